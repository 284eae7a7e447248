package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// run runs one command in this process, with a catalog whose images are given.
func run(images fs.FS, signals <-chan os.Signal, args ...string) (code int, stdout, stderr string) {
	var out, err strings.Builder
	code = Main(Env{
		Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &err,
		Getenv: func(string) string { return "" }, Now: time.Now, Chance: func() uint64 { return 4 },
		Signals: signals, Catalog: Catalog{Images: images, Recipes: []string{"abd"}},
	})
	return code, out.String(), err.String()
}

// A fakeFS does whatever its function does when a file is opened.
type fakeFS func() error

func (f fakeFS) Open(string) (fs.File, error) { return nil, f() }

// Without this a bug of ours would look like a verdict on somebody's system.
func TestPanicIsOurBug(t *testing.T) {
	code, _, stderr := run(fakeFS(func() error { panic("oh no") }), nil, "list", "systems")
	if code != 70 {
		t.Errorf("the exit code is %d, want 70", code)
	}
	for _, want := range []string{"this is a bug in shakedown: oh no", "env_test.go", "hint: please report it", "shakedown list systems"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("the message does not have %q:\n%s", want, stderr)
		}
	}
}

// Without this an interrupted command could look like one that ended well.
func TestSignalOnceLetsTheCommandEnd(t *testing.T) {
	for signal, want := range map[os.Signal]int{os.Interrupt: 130, syscall.SIGTERM: 143} {
		signals := make(chan os.Signal)
		images := fakeFS(func() error {
			signals <- signal // Main has it when this returns
			return errors.New("stopped")
		})
		code, _, stderr := run(images, signals, "list", "systems")
		if code != want {
			t.Errorf("after %v the exit code is %d, want %d", signal, code, want)
		}
		if !strings.Contains(stderr, "stopped") {
			t.Errorf("the command did not get to its end:\n%s", stderr)
		}
	}
}

// Without this an interrupt could hide a violation that was found all the same.
func TestViolationOutranksTheSignal(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(interruption{os.Interrupt})
	for code, want := range map[int]int{exitViolation: exitViolation, exitExpected: 130, exitUnknown: 130, exitEnvironment: 130} {
		if got := afterSignal(ctx, code); got != want {
			t.Errorf("interrupted with %d, exits with %d, want %d", code, got, want)
		}
	}
}

// Without this a command that hangs could not be left.
func TestSignalTwiceLeavesAtOnce(t *testing.T) {
	signals := make(chan os.Signal)
	release := make(chan struct{})
	defer close(release)
	images := fakeFS(func() error {
		signals <- os.Interrupt
		signals <- os.Interrupt
		<-release
		return errors.New("stopped")
	})
	code, _, stderr := run(images, signals, "list", "systems")
	if code != 130 {
		t.Errorf("the exit code is %d, want 130", code)
	}
	if !strings.Contains(stderr, "left at once") || !strings.Contains(stderr, "shakedown clean removes") {
		t.Errorf("nothing is said about what is left:\n%s", stderr)
	}
}

// Without this colour could end up in a file, or in front of someone who asked for none.
func TestColourOnlyOnATerminal(t *testing.T) {
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	env := Env{Getenv: func(string) string { return "" }}
	if env.colour(file) || env.colour(&strings.Builder{}) {
		t.Error("there is colour in something that is no terminal")
	}
	for name, value := range map[string]string{"NO_COLOR": "1", "TERM": "dumb"} {
		env := Env{Getenv: func(asked string) string {
			if asked == name {
				return value
			}
			return ""
		}}
		if terminal, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0); err == nil {
			if env.colour(terminal) {
				t.Errorf("there is colour although %s=%s", name, value)
			}
			terminal.Close()
		}
	}
}
