package invariant

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"go.starlark.net/starlark"

	"github.com/shakedown-dev/shakedown/history"
)

// model is a small sequential or nondeterministic machine: the history must
// have an order, true to real time, in which it could have done all that the
// clients saw.
type model struct {
	init starlark.Value // the first state, or a function that returns it
	step starlark.Callable
	// failures says that operations that failed are shown to step as well; else
	// they did not happen.
	failures bool
}

func (m model) begin(j *judge) evaluation {
	return &modelEvaluation{model: m, judge: j, groups: make(map[string][]*op)}
}

func (model) online() bool { return false }

type modelEvaluation struct {
	model
	judge  *judge
	groups map[string][]*op
}

func (e *modelEvaluation) operation(o *op) {
	if o.did.Type() == history.Fail && !e.failures {
		return
	}
	name, err := e.judge.rule.per.of(e.judge.machine, o)
	if err != nil {
		e.judge.fault(err, o)
		return
	}
	e.groups[name] = append(e.groups[name], o)
}

// finish judges the groups, the small ones first, so that a large one that
// takes all the time hides as little as possible.
func (e *modelEvaluation) finish(h *history.History) {
	if h == nil {
		return
	}
	names := make([]string, 0, len(e.groups))
	for name := range e.groups {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(e.groups[a]), len(e.groups[b])), cmp.Compare(a, b))
	})
	e.judge.extra["groups"] = int64(len(names))
	for _, name := range names {
		if e.judge.spent {
			return
		}
		e.group(name)
	}
}

func (e *modelEvaluation) group(name string) {
	f := newFrontier(e.judge, e.model, e.groups[name], true)
	stuck, err := f.run()
	if err == nil && stuck != nil {
		f = newFrontier(e.judge, e.model, e.groups[name], false)
		stuck, err = f.run()
	}
	e.judge.evaluated += f.judged
	e.judge.extra["states"] += f.space.made
	switch {
	case err != nil:
		e.judge.fault(err, f.inHand)
	case stuck != nil:
		e.stuck(f, stuck, name)
	}
}

// stuck reports the operation that nothing explains. Of several groups the one
// that was broken first is told.
func (e *modelEvaluation) stuck(f *frontier, culprit *entry, name string) {
	j := e.judge
	if j.first != nil && j.first.At <= culprit.o.moment() {
		j.broken++
		return
	}
	j.first = nil
	j.breaks(culprit.o, &broke{says: "no order of the operations explains it" + j.rule.per.title(name)})
	j.proof = f.proof(culprit)
	for _, o := range f.shown {
		j.first.Evidence = append(j.first.Evidence, o.events()...)
	}
	j.first.sort()
}

func (e *modelEvaluation) missing() string {
	return "there was no " + e.judge.rule.subject() + " that was ok"
}

// A space numbers the states of a model, equal ones alike.
type space struct {
	machine *machine
	numbers map[string]int32
	values  []starlark.Value
	texts   []string
	bytes   int64
	made    int64
}

func newSpace(m *machine) *space {
	return &space{machine: m, numbers: make(map[string]int32)}
}

// maxState bounds one state of a model.
const maxState = 1 << 20

// number returns the number of the state v, which cannot be changed from here on.
func (s *space) number(fn, v starlark.Value) (int32, error) {
	text, err := encode(v, maxState)
	if err != nil {
		return 0, s.machine.wrong(fn, "a state of the model: "+err.Error())
	}
	if n, ok := s.numbers[text]; ok {
		return n, nil
	}
	if s.bytes += int64(4*len(text) + 200); s.bytes > s.machine.limits.State || len(s.values) == math.MaxInt32 {
		return 0, errStates
	}
	v.Freeze()
	s.numbers[text] = int32(len(s.values))
	s.values = append(s.values, v)
	s.texts = append(s.texts, text)
	s.made++
	return int32(len(s.values) - 1), nil
}

var errStates = errors.New("the model has more states than memory was set aside for")

// first returns the states to begin with.
func (m model) first(s *space) (int32, error) {
	v := thaw(m.init)
	if fn, ok := m.init.(starlark.Callable); ok {
		var err error
		if v, err = s.machine.call(fn); err != nil {
			return 0, err
		}
	}
	return s.number(m.step, v)
}

// next returns the states that may follow state by o, none if o cannot happen
// there; then with the model's reason, if it gave one.
func (m model) next(s *space, state int32, o *op) ([]int32, string, error) {
	v, err := s.machine.call(m.step, s.values[state], o)
	var refused *broke
	if errors.As(err, &refused) && !refused.unsure {
		return nil, refused.says, nil
	}
	if err != nil {
		return nil, "", err
	}
	states, err := m.states(s.machine, v)
	if err != nil {
		return nil, "", err
	}
	numbers := make([]int32, 0, len(states))
	for _, v := range states {
		n, err := s.number(m.step, v)
		if err != nil {
			return nil, "", err
		}
		if !slices.Contains(numbers, n) {
			numbers = append(numbers, n)
		}
	}
	return numbers, "", nil
}

// states reads what step returned: a list of states, or (ok, state).
func (m model) states(machine *machine, v starlark.Value) ([]starlark.Value, error) {
	switch v := v.(type) {
	case *starlark.List:
		if v.Len() > maxStep {
			return nil, machine.wrong(m.step, fmt.Sprintf("a step may have at most %d next states, not %d", maxStep, v.Len()))
		}
		return slices.Collect(v.Elements()), nil
	case starlark.Tuple:
		if ok, is := first(v).(starlark.Bool); is && len(v) == 2 {
			if !ok {
				return nil, nil
			}
			return v[1:], nil
		}
	}
	return nil, machine.wrong(m.step, "step must return a list of the states that may follow, [] if the operation cannot happen, or (True, state), not "+show(v))
}

func first(t starlark.Tuple) starlark.Value {
	if len(t) == 0 {
		return nil
	}
	return t[0]
}
