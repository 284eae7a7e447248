package invariant

import (
	"errors"
	"fmt"
	"strings"

	"go.starlark.net/starlark"
)

// ways are the parameters of invariant that say how it is judged. Exactly one
// way must be chosen.
type ways struct {
	eachOp, never, eachRead, history starlark.Callable
	init                             starlark.Value
	step, end                        starlark.Callable
	within                           string
	after                            starlark.Value
	holds                            starlark.Callable
}

// kind returns the kind of rule that the parameters describe.
func (a *ways) kind() (kind, error) {
	var kinds []kind
	var chosen []string
	choose := func(is bool, name string, k kind) {
		if is {
			kinds, chosen = append(kinds, k), append(chosen, name)
		}
	}
	choose(a.eachOp != nil, "each_op", predicate{fn: a.eachOp})
	choose(a.never != nil, "never", predicate{fn: a.never, never: true})
	choose(a.eachRead != nil, "each_read", predicate{fn: a.eachRead, read: true})
	choose(a.history != nil, "history", whole{fn: a.history})
	choose(a.step != nil, "step", a.fold())
	choose(a.within != "", "within", liveness{})
	switch {
	case len(kinds) == 0:
		return nil, errors.New("invariant: say what must hold: one of each_op, never, each_read, history, step or within")
	case len(kinds) > 1:
		return nil, fmt.Errorf("invariant: %s are different kinds of rule; make one rule of each", strings.Join(chosen, " and "))
	case a.step == nil && (a.init != nil || a.end != nil):
		return nil, errors.New("invariant: init and end belong to step")
	case a.within == "" && (a.after != nil || a.holds != nil):
		return nil, errors.New("invariant: after and holds belong to within")
	case a.within != "":
		return a.liveness()
	}
	return kinds[0], nil
}

func (a *ways) fold() fold {
	f := fold{init: a.init, step: a.step, end: a.end}
	if f.init == nil {
		f.init = starlark.None
	}
	return f
}

func (a *ways) liveness() (kind, error) {
	within, err := duration(a.within)
	if err != nil {
		return nil, fmt.Errorf("invariant: within: %w", err)
	}
	if a.holds == nil {
		return nil, errors.New("invariant: within needs holds: holds=lambda op: …")
	}
	l := liveness{within: within, holds: a.holds}
	switch after := a.after.(type) {
	case landmark:
		l.landmark = after
	case starlark.String:
		l.phase = string(after)
	case starlark.Callable:
		l.after = after
	default:
		return nil, errors.New(`invariant: within needs after: last_heal, each_heal, the name of a phase, or a function of an operation`)
	}
	return l, nil
}
