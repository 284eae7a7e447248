package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/shakedown-dev/shakedown/runner"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// The exit codes. They are small so that scripts can tell them apart, and they
// will not grow: what more there is to know is in --json and in the run folder.
const (
	exitExpected    = 0   // every scenario gave its expected outcome
	exitViolation   = 1   // a violation was found, or an expected one was not
	exitUnknown     = 2   // nothing was found, but something could not be judged
	exitEnvironment = 3   // docker, an image, a disk, a system that never became healthy
	exitUsage       = 4   // a mistake in the command line, a scenario or a history
	exitBug         = 70  // a bug in shakedown
	exitInterrupted = 130 // SIGINT
	exitTerminated  = 143 // SIGTERM
)

// An exitMeaning is what a code, or several, say.
type exitMeaning struct {
	code  int
	also  int // another code with the same meaning; 0 if there is none
	means string
}

// exitMeanings are all codes, for the help and for explain.
func exitMeanings() []exitMeaning {
	return []exitMeaning{
		{exitExpected, 0, "every scenario gave its expected outcome"},
		{exitViolation, 0, "a violation was found (or an expected one was not)"},
		{exitUnknown, 0, "nothing found, but something could not be judged"},
		{exitEnvironment, 0, "the environment failed: docker, an image, a system that never became healthy"},
		{exitUsage, 0, "a mistake in the command line, a scenario or a history"},
		{exitBug, 0, "a bug in shakedown"},
		{exitInterrupted, exitTerminated, "interrupted; the run folder is still good"},
	}
}

// exitCodes is the table of the codes, as help shows it.
func exitCodes() string {
	var b strings.Builder
	b.WriteString("\nExit codes:\n")
	for _, e := range exitMeanings() {
		code := fmt.Sprint(e.code)
		if e.also != 0 {
			code += fmt.Sprintf(", %d", e.also)
		}
		fmt.Fprintf(&b, "  %-9s %s\n", code, e.means)
	}
	return b.String()
}

// A failure is an error with the code to exit with. A failure without a cause
// is silent: what there is to say has been said on standard output.
type failure struct {
	code int
	err  error
	hint string
}

// Error is the message of the cause.
func (f *failure) Error() string {
	if f.err == nil {
		return ""
	}
	return f.err.Error()
}

// Unwrap returns the cause.
func (f *failure) Unwrap() error { return f.err }

// usage is a failure that the caller can mend by another command line.
func usage(err error, hint string) error {
	return &failure{code: exitUsage, err: err, hint: hint}
}

// environment is a failure of the world around us.
func environment(err error, hint string) error {
	return &failure{code: exitEnvironment, err: err, hint: hint}
}

// silent exits with code and says nothing more; nil for code 0.
func silent(code int) error {
	if code == exitExpected {
		return nil
	}
	return &failure{code: code}
}

// exitCode is the code for what a command returned. An error that says nothing
// about its kind comes from the world: a file, a socket, a process.
func exitCode(err error) int {
	var f *failure
	var d scenarios.Diagnostics
	var e *runner.EnvError
	switch {
	case err == nil:
		return exitExpected
	case errors.As(err, &f):
		return f.code
	case errors.As(err, &d):
		return exitUsage
	case errors.As(err, &e):
		return exitEnvironment
	}
	return exitEnvironment
}

// worst is the code for several scenarios: a fact that was found stands,
// whatever else went wrong.
func worst(codes ...int) int {
	for _, c := range []int{exitViolation, exitBug, exitEnvironment, exitUsage, exitUnknown} {
		for _, code := range codes {
			if code == c {
				return c
			}
		}
	}
	return exitExpected
}
