package invariant

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.starlark.net/starlark"

	"github.com/shakedown-dev/shakedown/checkers/say"
)

// errTime ends a call because the time of the whole check is up.
var errTime = errors.New("its time was up")

// A machine calls the functions of one script, one call after the other, each
// within limits.
type machine struct {
	path    string
	thread  *starlark.Thread
	budget  *budget
	limits  Limits
	ctx     context.Context // whose end ends the call that is running
	stop    func() bool
	printed strings.Builder
	// used is what all calls have put into new values, steps counting as some.
	used int64
}

const outOfSteps = "out of steps"

// newMachine makes a machine that stops when ctx is done. Whoever makes it
// must close it.
func newMachine(ctx context.Context, path string, limits Limits) *machine {
	m := &machine{path: path, limits: limits, budget: &budget{}, ctx: ctx}
	m.thread = &starlark.Thread{Name: path, Print: m.print}
	m.thread.OnMaxSteps = func(t *starlark.Thread) { t.Cancel(outOfSteps) }
	m.thread.SetLocal(budgetKey, m.budget)
	m.stop = context.AfterFunc(ctx, func() { m.thread.Cancel("out of time") })
	return m
}

func (m *machine) close() { m.stop() }

func (m *machine) print(_ *starlark.Thread, text string) {
	if room := maxPrint - m.printed.Len(); room > 0 {
		m.printed.WriteString(text[:min(len(text), room)] + "\n")
	}
}

// call calls fn. The error is errTime, a *broke, or a *ScriptError.
func (m *machine) call(fn starlark.Value, args ...starlark.Value) (starlark.Value, error) {
	return m.callWithin(m.limits, fn, args)
}

func (m *machine) callWithin(limits Limits, fn starlark.Value, args starlark.Tuple) (v starlark.Value, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			v, err = nil, &ScriptError{Path: m.path, Message: fmt.Sprintf("the interpreter broke: %v", cause)}
		}
	}()
	before := m.thread.Steps
	m.budget.left, m.budget.spent = limits.Bytes, 0
	m.thread.SetMaxExecutionSteps(before + limits.Steps)
	v, err = starlark.Call(m.thread, fn, args, nil)
	m.used += m.budget.spent + int64(m.thread.Steps-before)
	if err != nil {
		return nil, m.explain(err, limits)
	}
	return v, nil
}

func (m *machine) explain(err error, limits Limits) error {
	var found *broke
	if errors.As(err, &found) {
		return found
	}
	if m.ctx.Err() != nil {
		return errTime
	}
	e := explainRun(m.path, err)
	if strings.Contains(e.Message, outOfSteps) {
		m.thread.Uncancel()
		e.Message = fmt.Sprintf("this takes more than %d steps for one call, and was stopped", limits.Steps)
	}
	return e
}

// predicate calls fn and wants True or False.
func (m *machine) predicate(fn starlark.Value, args ...starlark.Value) (bool, error) {
	v, err := m.call(fn, args...)
	if err != nil {
		return false, err
	}
	yes, ok := v.(starlark.Bool)
	if !ok {
		return false, m.wrong(fn, fmt.Sprintf("this must be True or False, not %s", show(v)))
	}
	return bool(yes), nil
}

// optional is predicate for functions that may also say nothing: None is True.
func (m *machine) optional(fn starlark.Value, args ...starlark.Value) (bool, error) {
	v, err := m.call(fn, args...)
	return m.truth(fn, v, err)
}

func (m *machine) truth(fn, v starlark.Value, err error) (bool, error) {
	if err != nil || v == starlark.None {
		return err == nil, err
	}
	yes, ok := v.(starlark.Bool)
	if !ok {
		return false, m.wrong(fn, fmt.Sprintf("this must be True, False or None, not %s", show(v)))
	}
	return bool(yes), nil
}

// wrong is an error about what the function fn returned.
func (m *machine) wrong(fn starlark.Value, message string) error {
	e := &ScriptError{Path: m.path, Message: message}
	if f, ok := fn.(*starlark.Function); ok {
		e.Line, e.Column = int(f.Position().Line), int(f.Position().Col)
	}
	if strings.HasSuffix(message, "None") {
		e.Hint = "is there a return in every branch?"
	}
	return e
}

// show writes a value for a sentence, whatever its size.
func show(v starlark.Value) string {
	if _, err := weigh(v, 1<<16); err != nil {
		return "a large " + v.Type()
	}
	return say.Cut(v.String(), 120)
}
