package invariant

import (
	"errors"
	"fmt"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A ScriptError is an error in a user's script, with where it is. Line and
// Column are 0 where they are not known.
type ScriptError struct {
	Path         string
	Line, Column int
	Message      string
	// Hint says what to do about it; may be empty.
	Hint string
}

// Error returns "rules.star:3:14: message (hint)".
func (e *ScriptError) Error() string {
	at := e.Path
	if e.Line > 0 {
		at = fmt.Sprintf("%s:%d:%d", e.Path, e.Line, e.Column)
	}
	text := at + ": " + e.Message
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

// broke is what fail("…") does: it is no error of the script, but its finding.
type broke struct {
	says   string
	shown  []*op
	unsure bool // unknown("…") instead of fail("…")
	at     syntax.Position
}

func (b *broke) Error() string { return b.says }

// explainLoad makes one error of whatever went wrong when a script was read.
func explainLoad(path string, err error) error {
	var syntaxError syntax.Error
	var resolveErrors resolve.ErrorList
	switch {
	case errors.As(err, &syntaxError):
		return scriptError(path, syntaxError.Pos, syntaxError.Msg)
	case errors.As(err, &resolveErrors) && len(resolveErrors) > 0:
		return scriptError(path, resolveErrors[0].Pos, resolveErrors[0].Msg)
	}
	return explainRun(path, err)
}

func scriptError(path string, at syntax.Position, message string) *ScriptError {
	e := &ScriptError{Path: path, Line: int(at.Line), Column: int(at.Col), Message: message}
	e.Hint = hint(message)
	return e
}

// explainRun finds the place in the user's script where err came up.
func explainRun(path string, err error) *ScriptError {
	var known *ScriptError
	if errors.As(err, &known) {
		return known
	}
	e := &ScriptError{Path: path, Message: err.Error()}
	var failed *starlark.EvalError
	if errors.As(err, &failed) {
		e.Message = strings.ReplaceAll(failed.Msg, "·call: ", "")
		for i := len(failed.CallStack) - 1; i >= 0; i-- {
			if at := failed.CallStack[i].Pos; at.Filename() == path && at.Line > 0 {
				e.Line, e.Column = int(at.Line), int(at.Col)
				break
			}
		}
	}
	e.Hint = hint(e.Message)
	return e
}

// hint says what to do about the errors that people make most.
func hint(message string) string {
	switch {
	case strings.Contains(message, "not implemented") && strings.Contains(message, "NoneType"),
		strings.Contains(message, "NoneType <"), strings.Contains(message, "NoneType >"):
		return "an operation that failed, or whose outcome is unknown, has no answer: ask op.ok first"
	case strings.Contains(message, "unknown binary op") && strings.Contains(message, "NoneType"),
		strings.Contains(message, "unhandled index operation NoneType"):
		return "an operation that failed, or whose outcome is unknown, has no answer: ask op.ok first"
	case strings.Contains(message, "frozen"):
		return "what was made outside, and the state of a model, cannot be changed: make a new value"
	case strings.Contains(message, "undefined: getattr"), strings.Contains(message, "undefined: dir"):
		return "it is left out of the sandbox"
	case strings.Contains(message, "called recursively"):
		return "functions cannot call themselves here; use a for loop"
	}
	return ""
}
