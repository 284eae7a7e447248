package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/shakedown-dev/shakedown/nemesis"
)

// An Env is all that a command may touch of the process that it runs in.
type Env struct {
	// Args are the arguments without the program's name.
	Args   []string
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	// Getenv reads the environment.
	Getenv func(string) string
	// Now is the wall clock, for the names of runs.
	Now func() time.Time
	// Chance gives the randomness for seeds and for the names of runs.
	Chance func() uint64
	// Signals delivers interrupts and terminations; nil if there are none.
	Signals <-chan os.Signal
	// Catalog names everything that scenarios can use.
	Catalog Catalog
	// plain says that nothing is to be coloured, whatever the terminal is.
	plain bool
}

// An interruption is the reason of a canceled context: a signal came.
type interruption struct{ signal os.Signal }

// Error says which signal it was.
func (i interruption) Error() string { return "interrupted by " + i.signal.String() }

// code is what a process that ended by the signal exits with.
func (i interruption) code() int {
	if i.signal == syscall.SIGTERM {
		return exitTerminated
	}
	return exitInterrupted
}

// Main runs one command and returns the code to exit with.
//
// The first signal cancels the command's context and lets it finish in its own
// way; at the second, Main returns at once and leaves the command's goroutine
// behind, since the process is about to exit.
func Main(env Env) int {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	done := make(chan int, 1)
	go func() { done <- env.guarded(ctx) }()
	for {
		select {
		case code := <-done:
			return afterSignal(ctx, code)
		case s := <-env.Signals:
			if ctx.Err() != nil {
				fmt.Fprintln(env.Stderr, "shakedown: left at once; the network heals by itself in a few seconds")
				fmt.Fprintln(env.Stderr, "hint: shakedown clean removes the containers that are still there")
				return interruption{s}.code()
			}
			cancel(interruption{s})
		}
	}
}

// afterSignal replaces the command's code by the signal's, if one came. Only a
// violation outranks it: what was found stands, whatever else happened.
func afterSignal(ctx context.Context, code int) int {
	var i interruption
	if code != exitViolation && errors.As(context.Cause(ctx), &i) {
		return i.code()
	}
	return code
}

// guarded runs the command that the arguments name.
func (env Env) guarded(ctx context.Context) int {
	err := env.guard(func() error { return newRoot(env).execute(ctx) })
	printFailure(env.Stderr, err)
	return exitCode(err)
}

// guard calls f. A panic in it is a bug of ours: it is reported, and becomes a
// failure with exit code 70. So is one in a goroutine of a run, which has healed
// before it returns it. (A panic in any other goroutine ends the process; the
// language leaves no way around that. The agent heals then.)
func (env Env) guard(f func() error) error {
	err := nemesis.Guarded(f)
	var bug *nemesis.PanicError
	if !errors.As(err, &bug) {
		return err
	}
	fmt.Fprintf(env.Stderr, "shakedown: this is a bug in shakedown: %v\n\n%s\n", bug.Value, bug.Stack)
	fmt.Fprintln(env.Stderr, "hint: please report it with the lines above, what \"shakedown version\" prints, the run")
	fmt.Fprintf(env.Stderr, "      folder if there is one, and the command: shakedown %s\n", strings.Join(env.Args, " "))
	return silent(exitBug)
}

// colour tells whether w is to be coloured: a terminal that understands colours,
// unless somebody said no; or whatever it is, if somebody insists.
func (env Env) colour(w io.Writer) bool {
	switch {
	case env.plain || env.Getenv("NO_COLOR") != "":
		return false
	case env.Getenv("CLICOLOR_FORCE") != "" && env.Getenv("CLICOLOR_FORCE") != "0":
		return true
	}
	_, ok := env.terminal(w)
	return ok
}

// terminal is the terminal that w is, if it is one on which a cursor can move.
func (env Env) terminal(w io.Writer) (*os.File, bool) {
	f, ok := w.(*os.File)
	return f, ok && env.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}
