package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"
)

// mostLines is how high the live display may be.
const mostLines = 12

var (
	drawEnd = "\x1b[J"                                 // each picture ends by clearing what is below
	goesUp  = regexp.MustCompile(`^\x1b\[(\d+)A`)      // and begins by going back to its first line
	colours = regexp.MustCompile(`\x1b\[[0-9;]*m`)     // SGR
	escapes = regexp.MustCompile(`\x1b\[[0-9;]*[A-Z]`) // all else
)

// A session is a command in a terminal of its own.
type session struct {
	t       *testing.T
	command *exec.Cmd
	tty     *os.File
	done    chan error

	mu   sync.Mutex // guards seen
	seen bytes.Buffer
}

// inTerminal starts the command in a terminal of that size.
func inTerminal(t *testing.T, columns, rows uint16, env []string, args ...string) *session {
	t.Helper()
	s := &session{t: t, command: exec.Command("shakedown", args...), done: make(chan error, 1)}
	s.command.Env = append(os.Environ(), append(env, "TERM=xterm-256color")...)
	tty, err := pty.StartWithSize(s.command, &pty.Winsize{Cols: columns, Rows: rows})
	if err != nil {
		t.Fatal(err)
	}
	s.tty = tty
	t.Cleanup(func() {
		_ = s.command.Process.Kill() // it has ended, unless the test failed
		_ = tty.Close()
	})
	go func() {
		_, _ = io.Copy(s, tty) // ends when the command does: a terminal without a program cannot be read
		s.done <- s.command.Wait()
	}()
	return s
}

// Write takes what the terminal shows.
func (s *session) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen.Write(p)
}

// pictures are what was drawn so far, the unfinished one not among them.
func (s *session) pictures() []picture {
	s.mu.Lock()
	defer s.mu.Unlock()
	parts := strings.Split(s.seen.String(), drawEnd)
	var out []picture
	for _, p := range parts[:len(parts)-1] {
		out = append(out, pictureOf(p))
	}
	return out
}

// A picture is how far the cursor went back, and the lines that were then written.
type picture struct {
	up    int
	lines []string
}

func pictureOf(text string) picture {
	var p picture
	if m := goesUp.FindStringSubmatch(text); m != nil {
		p.up, _ = strconv.Atoi(m[1])
	}
	for _, l := range strings.Split(text, "\n") {
		if l = strings.Trim(escapes.ReplaceAllString(colours.ReplaceAllString(l, ""), ""), "\r"); l != "" {
			p.lines = append(p.lines, l)
		}
	}
	return p
}

// await waits for a picture that fits, and says how many came before.
func (s *session) await(what string, fits func(picture) bool) int {
	s.t.Helper()
	deadline := time.After(awaitLimit)
	for from := 0; ; {
		all := s.pictures()
		for ; from < len(all); from++ {
			if fits(all[from]) {
				return from
			}
		}
		select {
		case err := <-s.done:
			s.t.Fatalf("the command ended before %s: %v\n%s", what, err, s.seen.String())
		case <-deadline:
			s.t.Fatalf("%s did not come", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// shows is a picture with such a line in it.
func shows(text string) func(picture) bool {
	return func(p picture) bool { return strings.Contains(strings.Join(p.lines, "\n"), text) }
}

// wait is until the command has ended.
func (s *session) wait() string {
	s.t.Helper()
	select {
	case err := <-s.done:
		if err != nil {
			s.t.Fatalf("%v\n%s", err, s.seen.String())
		}
	case <-time.After(awaitLimit):
		s.t.Fatal("the command does not end")
	}
	return s.seen.String()
}

// fitsIn demands that no picture is higher than may be, or wider than the
// terminal: the last column is left alone.
func fitsIn(t *testing.T, all []picture, columns int) {
	t.Helper()
	for i, p := range all {
		if p.up > mostLines {
			t.Fatalf("picture %d goes back %d lines", i, p.up)
		}
		if i+1 == len(all) {
			break
		}
		block := p.lines[max(0, len(p.lines)-all[i+1].up):]
		for _, l := range block {
			if n := utf8.RuneCountInString(l); n >= columns {
				t.Fatalf("picture %d has a line of %d letters on %d columns: %q", i, n, columns, l)
			}
		}
	}
}

const terminalYAML = `version: 1
name: tiny
system: {use: abd, nodes: 3}
workload: {use: register, clients: 3, keys: 3, rate: 60/s, mix: {read: 60, write: 40}}
phases:
  - {name: calm, for: 1s}
  - {name: storm, for: 5s, faults: [{fault: partition, shape: one, target: n2, at: 500ms, for: 3s}]}
`

func terminalScenario(t *testing.T) {
	t.Helper()
	if !haveDocker(t) {
		t.Skip("there is no docker engine")
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("tiny.yaml", []byte(terminalYAML), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The live display of the real command is drawn in place, at most twelve lines
// high, follows the terminal when that becomes narrower, and leaves nothing of
// itself behind.
func TestLiveDisplayInATerminal(t *testing.T) {
	terminalScenario(t)
	s := inTerminal(t, 100, 40, nil, "run", "tiny.yaml", "--seed", "7")
	s.await("the fault in the picture", shows("partition"))
	s.await("the rate", shows("p99"))
	before := len(s.pictures())
	const narrow = 50
	if err := pty.Setsize(s.tty, &pty.Winsize{Cols: narrow, Rows: 40}); err != nil {
		t.Fatal(err)
	}
	// What is drawn just now may still be of the old size; what begins after the
	// first picture that goes back over wrapped lines is not.
	s.await("the next pictures", func(picture) bool { return len(s.pictures()) > before+3 })
	after := len(s.pictures())
	text := s.wait()
	all := s.pictures()
	if len(all) < 20 {
		t.Errorf("%d pictures in a run of seven seconds", len(all))
	}
	fitsIn(t, all[:before], 100)
	fitsIn(t, all[after:], narrow)
	inPlace := 0
	for _, p := range all {
		if p.up >= 4 {
			inPlace++
		}
	}
	if inPlace < len(all)/2 {
		t.Errorf("only %d of %d pictures were drawn over the one before", inPlace, len(all))
	}
	if !colours.MatchString(text) {
		t.Error("nothing is in colour")
	}
	last := text[strings.LastIndex(text, drawEnd):]
	if !strings.Contains(last, "VALID") || strings.Contains(last, "p99") {
		t.Errorf("after the last picture there is not the verdict alone:\n%s", last)
	}
	if lines := strings.Count(strings.TrimSpace(last), "\n"); lines > 12 {
		t.Errorf("the end of a run says it in %d lines", lines)
	}
	if _, err := os.Stat(filepath.Join("runs", "latest", "result.json")); err != nil {
		t.Error(err)
	}
}

// A terminal as narrow as a telephone, and no colours, as one may ask for.
func TestLiveDisplayNarrowAndWithoutColour(t *testing.T) {
	terminalScenario(t)
	s := inTerminal(t, 32, 10, []string{"NO_COLOR=1"}, "run", "tiny.yaml", "--seed", "7")
	s.await("the fault in the picture", shows("partition"))
	text := s.wait()
	if m := colours.FindString(text); m != "" {
		t.Errorf("there is a colour: %q", m)
	}
	all := s.pictures()
	fitsIn(t, all, 32)
	for i, p := range all {
		if p.up > 9 {
			t.Fatalf("picture %d goes back %d lines on a terminal of 10", i, p.up)
		}
	}
}
