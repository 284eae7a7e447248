package object

import (
	"slices"
	"strconv"
	"strings"

	"github.com/shakedown-dev/shakedown/checkers/linear"
	"github.com/shakedown-dev/shakedown/checkers/say"
)

// steps is the machine as package linear takes it, from the given states on.
func (m *model) steps(acts []act, start ...string) linear.Steps {
	return linear.Steps{
		Start: start,
		Step:  func(op int, state string) []string { return m.step(state, &acts[op]) },
		Class: func(op int) any { return acts[op].likeness() },
	}
}

// likeness is equal for acts that steps cannot tell from each other.
func (a *act) likeness() any {
	if a.lin.Whole != nil {
		return nil
	}
	return struct {
		f, arg, out string
		unknown     bool
		kind        linear.Kind
		value, new  int
	}{a.f, a.arg, a.out, a.unknown, a.lin.Kind, a.lin.Value, a.lin.New}
}

// times are the acts as package linear takes them.
func times(acts []act) []linear.Op {
	ops := make([]linear.Op, len(acts))
	for i := range acts {
		ops[i] = acts[i].lin
	}
	return ops
}

// settle does away with unknown outcomes where what an act leaves behind bears
// its name, as nothing else does: if somebody saw it, the act happened, before
// that was over; if nobody did, it may as well not have happened, for it can be
// struck out of every order, together with the unknown one that took it away. If
// two acts leave the same behind, all acts are returned as they are.
func (m *model) settle(acts []act) []act {
	if m.traces == nil {
		return acts
	}
	seen, left := make(map[string]int), make(map[string]bool)
	for i := range acts {
		leaves, sees := m.traces(&acts[i])
		for _, name := range leaves {
			if left[name] {
				return acts
			}
			left[name] = true
		}
		for _, name := range sees {
			if end, before := seen[name]; !before || acts[i].lin.Return < end {
				seen[name] = acts[i].lin.Return
			}
		}
	}
	some := make([]act, 0, len(acts))
	for i := range acts {
		a := acts[i]
		leaves, _ := m.traces(&a)
		if !a.unknown || len(leaves) == 0 {
			some = append(some, a)
			continue
		}
		end := linear.Open
		for _, name := range leaves {
			if at, found := seen[name]; found {
				end = min(end, at)
			}
		}
		if end != linear.Open {
			a.lin.Unknown, a.lin.Return = a.lin.Call >= end, max(end, a.lin.Call)
			some = append(some, a)
		}
	}
	return some
}

// original is the result with positions among acts made those that place them
// in the whole.
func original(r linear.Result, acts []act) linear.Result {
	r.Witness = slices.Clone(r.Witness)
	for i, w := range r.Witness {
		r.Witness[i] = acts[w].at
	}
	return r
}

// holds says what the object holds in a state.
func (m *model) holds(t *thing, state string) string {
	switch {
	case m.tell != nil:
		return m.tell(t, state)
	case state == "":
		return "it was empty"
	}
	values := strings.Split(state, separator)[1:]
	for i, v := range values {
		if n, err := strconv.Atoi(v); err == nil {
			values[i] = t.show(n)
		}
	}
	return "it held " + say.Few(values, toldKeys)
}
