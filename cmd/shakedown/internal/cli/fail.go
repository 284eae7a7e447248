package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/shakedown-dev/shakedown/docker"
	"github.com/shakedown-dev/shakedown/runner"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// printFailure says what went wrong and, where there is one, what to do.
func printFailure(w io.Writer, err error) {
	var d scenarios.Diagnostics
	switch {
	case err == nil || err.Error() == "":
		return
	case errors.As(err, &d):
		fmt.Fprintln(w, strings.TrimRight(d.Error(), "\n"))
		return
	}
	fmt.Fprintf(w, "shakedown: %s\n", strings.TrimRight(err.Error(), "\n"))
	if hint := hintOf(err); hint != "" {
		fmt.Fprintf(w, "hint: %s\n", hint)
	}
}

// hintOf finds the hint that an error carries, "" if it carries none.
func hintOf(err error) string {
	var f *failure
	if errors.As(err, &f) && f.hint != "" {
		return f.hint
	}
	var e *runner.EnvError
	if errors.As(err, &e) && e.Hint != "" {
		return e.Hint
	}
	var d *docker.Error
	if errors.As(err, &d) {
		return d.Hint
	}
	return ""
}
