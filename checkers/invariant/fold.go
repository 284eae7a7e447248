package invariant

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/shakedown-dev/shakedown/history"
)

// fold is a rule with a memory: step takes in one operation after the other,
// in the order in which they ended.
type fold struct {
	init starlark.Value // a value, of which each group gets its copy, or a function
	step starlark.Callable
	end  starlark.Callable // may be nil
}

func (f fold) begin(j *judge) evaluation {
	return &foldEvaluation{fold: f, judge: j, groups: make(map[string]*folded)}
}

func (fold) online() bool { return true }

type foldEvaluation struct {
	fold
	judge  *judge
	groups map[string]*folded
	order  []*folded
	kept   int64 // what all states took when they were last weighed
}

// A folded is the state of one group.
type folded struct {
	state  starlark.Value
	weight int64
	// used is the machine's use when the state was last weighed.
	used int64
	dead bool
	name string
	last *op
}

func (e *foldEvaluation) operation(o *op) {
	g, err := e.group(o)
	if err != nil {
		e.judge.fault(err, o)
		return
	}
	if g.dead {
		return
	}
	e.judge.evaluated++
	g.last = o
	next, err := e.judge.machine.call(e.step, g.state, o)
	if err == nil && next != starlark.None {
		g.state = next
	}
	if err == nil {
		err = e.weigh(g)
	}
	if err != nil {
		// What comes after would be judged with a state that is not right.
		g.dead = true
		g.state = starlark.None
		e.judge.fault(err, o)
	}
}

func (e *foldEvaluation) group(o *op) (*folded, error) {
	name, err := e.judge.rule.per.of(e.judge.machine, o)
	if err != nil {
		return nil, err
	}
	g, ok := e.groups[name]
	if !ok {
		g = &folded{name: name}
		e.groups[name] = g
		e.order = append(e.order, g)
		if g.state, err = e.fresh(); err != nil {
			g.dead = true
		}
	}
	return g, err
}

// fresh makes a first state.
func (e *foldEvaluation) fresh() (starlark.Value, error) {
	if fn, ok := e.init.(starlark.Callable); ok {
		return e.judge.machine.call(fn)
	}
	return thaw(e.init), nil
}

// weigh makes sure that the states do not grow without end. It looks again
// only when as much was made as there is, so that it costs little per step.
func (e *foldEvaluation) weigh(g *folded) error {
	used := e.judge.machine.used
	if used-g.used < 1<<16+g.weight {
		return nil
	}
	g.used = used
	weight, err := weigh(g.state, e.judge.rule.limits.State)
	if err != nil {
		return e.judge.machine.wrong(e.step, "the state: "+err.Error())
	}
	e.kept += weight - g.weight
	g.weight = weight
	if e.kept > e.judge.rule.limits.State {
		return e.judge.machine.wrong(e.step, "the state: "+errTooLarge.Error())
	}
	return nil
}

func (e *foldEvaluation) finish(h *history.History) {
	if e.end == nil || h == nil {
		return
	}
	for _, g := range e.order {
		if g.dead {
			continue
		}
		yes, err := e.judge.machine.optional(e.end, g.state)
		switch {
		case err != nil:
			e.judge.fault(err, g.last)
		case !yes:
			e.judge.breaks(g.last, &broke{says: fmt.Sprintf("that was the last one%s, and the state at the end is not as it should be: %s",
				e.judge.rule.per.title(g.name), show(g.state))})
		}
	}
}

// thaw copies a value such that the copy can be changed.
func thaw(v starlark.Value) starlark.Value {
	switch v := v.(type) {
	case *starlark.List:
		items := make([]starlark.Value, 0, v.Len())
		for item := range v.Elements() {
			items = append(items, thaw(item))
		}
		return starlark.NewList(items)
	case starlark.Tuple:
		items := make(starlark.Tuple, 0, len(v))
		for _, item := range v {
			items = append(items, thaw(item))
		}
		return items
	case *starlark.Dict:
		dict := starlark.NewDict(v.Len())
		for _, item := range v.Items() {
			_ = dict.SetKey(item[0], thaw(item[1])) // a key of a dict can be hashed, and dict is new
		}
		return dict
	case *starlark.Set:
		set := starlark.NewSet(v.Len())
		for item := range v.Elements() {
			_ = set.Insert(item) // as above
		}
		return set
	}
	return v
}
