package invariant

import (
	"encoding/json"
	"fmt"
	"time"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// whole is a rule about the whole history at once.
type whole struct {
	fn starlark.Callable
	// never says that the rule is broken where fn is true.
	never bool
}

func (w whole) begin(j *judge) evaluation { return &wholeEvaluation{whole: w, judge: j} }

func (whole) online() bool { return false }

type wholeEvaluation struct {
	whole
	judge *judge
	seen  []*op
}

func (e *wholeEvaluation) operation(o *op) {
	e.seen = append(e.seen, o)
	e.judge.evaluated++
}

func (e *wholeEvaluation) finish(h *history.History) {
	if h == nil || len(e.seen) == 0 {
		return
	}
	v, err := e.judge.machine.callWithin(e.judge.rule.limits.forWhole(h), e.fn, starlark.Tuple{newWhole(h, e.seen)})
	yes, err := e.judge.machine.truth(e.fn, v, err)
	switch {
	case err != nil:
		e.judge.fault(err, nil)
	case v == starlark.None:
	case yes == e.never:
		e.judge.breaks(nil, &broke{says: fmt.Sprintf("at the end of the history, %s, its %s broke it; fail(\"…\", op) in the rule would name them",
			say.Moment(e.judge.now), say.Number(len(e.seen), "operation"))})
	}
}

// operations is a list of operations; it belongs to us and cannot be changed.
type operations struct{ list []*op }

var _ interface {
	starlark.Sequence
	starlark.Indexable
	starlark.Sliceable
} = (*operations)(nil)

func (s *operations) String() string             { return "<" + say.Number(len(s.list), "operation") + ">" }
func (s *operations) Type() string               { return "operations" }
func (s *operations) Freeze()                    {}
func (s *operations) Truth() starlark.Bool       { return len(s.list) > 0 }
func (s *operations) Hash() (uint32, error)      { return 0, nil }
func (s *operations) Len() int                   { return len(s.list) }
func (s *operations) Index(i int) starlark.Value { return s.list[i] }
func (s *operations) Iterate() starlark.Iterator { return &operationIterator{list: s.list} }

// Slice returns the operations from start to end.
func (s *operations) Slice(start, end, step int) starlark.Value {
	if step == 1 {
		return &operations{s.list[start:end]}
	}
	var list []*op
	for i := start; step > 0 && i < end || step < 0 && i > end; i += step {
		list = append(list, s.list[i])
	}
	return &operations{list}
}

type operationIterator struct{ list []*op }

func (i *operationIterator) Next(v *starlark.Value) bool {
	if len(i.list) == 0 {
		return false
	}
	*v, i.list = i.list[0], i.list[1:]
	return true
}

func (*operationIterator) Done() {}

// A wholeValue is h, as a script sees it.
type wholeValue struct {
	h    *history.History
	seen []*op
	made map[string]starlark.Value
}

var _ starlark.HasAttrs = (*wholeValue)(nil)

func newWhole(h *history.History, seen []*op) *wholeValue {
	return &wholeValue{h: h, seen: seen, made: make(map[string]starlark.Value)}
}

func (w *wholeValue) String() string        { return "<history>" }
func (w *wholeValue) Type() string          { return "history" }
func (w *wholeValue) Freeze()               {}
func (w *wholeValue) Truth() starlark.Bool  { return true }
func (w *wholeValue) Hash() (uint32, error) { return 0, nil }

// AttrNames returns the names that Attr knows.
func (w *wholeValue) AttrNames() []string {
	return []string{"complete", "end", "faults", "last_heal", "nodes", "of", "ok", "operations", "phases"}
}

// Attr returns what a script asks for as h.name.
func (w *wholeValue) Attr(name string) (starlark.Value, error) {
	if v, ok := w.made[name]; ok {
		return v, nil
	}
	v := w.attr(name)
	if v != nil {
		v.Freeze()
		w.made[name] = v
	}
	return v, nil
}

func (w *wholeValue) attr(name string) starlark.Value {
	switch name {
	case "operations":
		return &operations{w.seen}
	case "ok":
		return w.pick(func(o *op) bool { return o.did.Type() == history.OK })
	case "of":
		return starlark.NewBuiltin("of", w.of)
	case "faults":
		return w.faults()
	case "phases":
		return w.phases()
	case "last_heal":
		return w.lastHeal()
	case "nodes":
		return w.nodes()
	case "end":
		if len(w.h.Ops) == 0 {
			return seconds(0)
		}
		return seconds(w.h.Ops[len(w.h.Ops)-1].Time)
	case "complete":
		return starlark.Bool(w.h.Ended() && !w.h.Truncated)
	}
	return nil
}

func (w *wholeValue) pick(want func(*op) bool) *operations {
	picked := &operations{}
	for _, o := range w.seen {
		if want(o) {
			picked.list = append(picked.list, o)
		}
	}
	return picked
}

// of is h.of("read"): the operations of that name that were ok; with
// outcome="any", "fail" or "info" the others too.
func (w *wholeValue) of(thread *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var f string
	outcome := "ok"
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "f", &f, "outcome?", &outcome); err != nil {
		return nil, err
	}
	if err := charge(thread, 8*int64(len(w.seen))); err != nil {
		return nil, err
	}
	return w.pick(func(o *op) bool {
		return o.did.Invoke.F == f && (outcome == "any" || o.did.Type().String() == outcome)
	}), nil
}

// since is a moment in seconds, or None if it did not happen.
func since(d time.Duration) starlark.Value {
	if d < 0 {
		return starlark.None
	}
	return seconds(d)
}

func names(words []string) starlark.Value {
	items := make([]starlark.Value, len(words))
	for i, w := range words {
		items[i] = starlark.String(w)
	}
	return starlark.NewList(items)
}

func (w *wholeValue) faults() starlark.Value {
	var items []starlark.Value
	for _, f := range w.h.Faults() {
		items = append(items, starlarkstruct.FromStringDict(starlark.String("fault"), starlark.StringDict{
			"id": starlark.String(f.ID), "fault": starlark.String(f.Fault), "nodes": names(f.Nodes),
			"inject": since(f.Inject), "in_force": since(f.InForce), "heal": since(f.Heal), "healed": since(f.Healed),
		}))
	}
	return starlark.NewList(items)
}

func (w *wholeValue) phases() starlark.Value {
	var items []starlark.Value
	for _, p := range w.h.Phases() {
		items = append(items, starlarkstruct.FromStringDict(starlark.String("phase"), starlark.StringDict{
			"name": starlark.String(p.Name), "start": seconds(p.From), "end": seconds(p.To),
		}))
	}
	return starlark.NewList(items)
}

// lastHeal is when the last fault was seen to be gone; None if there was none,
// or one never went.
func (w *wholeValue) lastHeal() starlark.Value {
	last := time.Duration(-1)
	for _, f := range w.h.Faults() {
		if f.Healed < 0 {
			return starlark.None
		}
		last = max(last, f.Healed)
	}
	return since(last)
}

func (w *wholeValue) nodes() starlark.Value {
	announced, _ := w.h.Announcement()
	return names(announced.Nodes)
}

// faultEvent reads the value of a nemesis event; false if it is about no fault.
func faultEvent(e *history.Op) (history.FaultEvent, bool) {
	var event history.FaultEvent
	if e.F == "phase" || e.F == "plan" || json.Unmarshal(e.Value, &event) != nil {
		return event, false
	}
	return event, true
}
