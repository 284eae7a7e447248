package cli

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/docker"
	"github.com/shakedown-dev/shakedown/runner"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// Without this an error could exit with the code of another kind of trouble.
func TestExitCode(t *testing.T) {
	plain := errors.New("plain")
	tests := []struct {
		err  error
		want int
	}{
		{nil, 0},
		{plain, 3},
		{usage(plain, ""), 4},
		{fmt.Errorf("around: %w", usage(plain, "")), 4},
		{environment(plain, ""), 3},
		{scenarios.Diagnostics{{Message: "x"}}, 4},
		{&runner.EnvError{Doing: "x", Err: plain}, 3},
		{&docker.Error{Doing: "x", Err: plain}, 3},
		{silent(exitViolation), 1},
		{silent(exitExpected), 0},
		{errors.Join(silent(exitBug), plain), 70},
	}
	for _, test := range tests {
		if got := exitCode(test.err); got != test.want {
			t.Errorf("exitCode(%v) = %d, want %d", test.err, got, test.want)
		}
	}
}

// Without this an environment that failed could hide a violation that was found.
func TestWorst(t *testing.T) {
	order := []int{1, 70, 3, 4, 2, 0} // from the design, with mistakes where they hurt least
	rapid.Check(t, func(t *rapid.T) {
		codes := rapid.SliceOf(rapid.SampledFrom(order)).Draw(t, "codes")
		got := worst(codes...)
		for _, c := range order {
			for _, code := range codes {
				if code == c {
					if got != c {
						t.Fatalf("worst(%v) = %d, want %d", codes, got, c)
					}
					return
				}
			}
		}
		if got != 0 {
			t.Fatalf("worst() = %d, want 0", got)
		}
	})
}

// Without this a violation that was expected and not found could pass.
func TestCodeFor(t *testing.T) {
	const unknown, valid, violation = checkers.Unknown, checkers.Valid, checkers.Violation
	for _, test := range []struct {
		got, want checkers.Verdict
		code      int
	}{
		{valid, valid, 0}, {violation, violation, 0},
		{violation, valid, 1}, {valid, violation, 1},
		{unknown, valid, 2}, {unknown, violation, 2},
	} {
		if code := codeFor(test.got, test.want); code != test.code {
			t.Errorf("codeFor(%v, %v) = %d, want %d", test.got, test.want, code, test.code)
		}
	}
}

// Without this an error could lose its hint, or be printed without its cause.
func TestPrintFailure(t *testing.T) {
	plain := errors.New("plain")
	tests := []struct {
		err  error
		want string
	}{
		{nil, ""},
		{silent(exitUnknown), ""},
		{plain, "shakedown: plain\n"},
		{usage(plain, "do this"), "shakedown: plain\nhint: do this\n"},
		{fmt.Errorf("around: %w", &docker.Error{Doing: "open", Hint: "start it", Err: plain}), "shakedown: around: open: plain\nhint: start it\n"},
		{&runner.EnvError{Doing: "wait", Hint: "be patient", Err: plain}, "shakedown: wait: plain\nhint: be patient\n"},
		{&runner.EnvError{Doing: "wait", Err: &docker.Error{Doing: "open", Hint: "start it", Err: plain}}, "shakedown: wait: open: plain\nhint: start it\n"},
		{usage(scenarios.Diagnostics{{Path: "x.yaml", Line: 2, Column: 1, Message: "wrong"}}, ""), "x.yaml:2:1: wrong\n"},
	}
	for _, test := range tests {
		var b strings.Builder
		printFailure(&b, test.err)
		if b.String() != test.want {
			t.Errorf("printed %q, want %q", b.String(), test.want)
		}
	}
}

// Without this a suggestion could be far from what was meant, or never come.
func TestDidYouMean(t *testing.T) {
	commands := []string{"run", "check", "plan", "validate", "doctor"}
	for word, want := range map[string]string{
		"chek": `did you mean "check"?`, "Run": `did you mean "run"?`, "valdate": `did you mean "validate"?`,
		"frobnicate": "", "": "",
	} {
		if got := didYouMean(word, commands); got != want {
			t.Errorf("didYouMean(%q) = %q, want %q", word, got, want)
		}
	}
}
