package invariant

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// A judge evaluates one rule on one history, event by event: on a whole one, or
// on one that is still being made. Both are the same code.
type judge struct {
	rule    *Rule
	machine *machine
	body    evaluation
	watch   watcher // body, if it wants to see more
	open    map[int]*history.Op

	// evaluated counts what was judged, and broken how much of it was broken.
	evaluated, broken int64
	first             *Break
	// trouble is the first error of the script, troubles their number.
	trouble  error
	troubles int64
	inHand   *op
	// unsure is why the rule cannot be judged, if that is not an error.
	unsure string
	met    []bool // of rule.needs
	// spent says that there is no use in going on.
	spent   bool
	now     time.Duration
	clients int
	seen    int
	extra   map[string]int64
	// proof is added to the sentences of a violation.
	proof []string
}

func newJudge(ctx context.Context, r *Rule) *judge {
	j := &judge{
		rule: r, machine: newMachine(ctx, r.path, r.limits), open: make(map[int]*history.Op),
		met: make([]bool, len(r.needs)), extra: make(map[string]int64),
	}
	j.body = r.kind.begin(j)
	j.watch, _ = j.body.(watcher)
	return j
}

// see takes in the next event. It keeps e.
func (j *judge) see(e *history.Op) {
	j.now = e.Time
	j.seen++
	if j.watch != nil {
		j.watch.clock(e.Time)
	}
	switch {
	case e.Process == history.Nemesis:
		if e.F == "plan" {
			j.clients = announced(e).Clients
		}
		if j.watch != nil {
			j.watch.nemesis(e)
		}
	case !j.rule.concerns(e.F):
	case e.Type == history.Invoke:
		j.open[e.Process] = e
		if j.watch != nil {
			j.watch.invoked(e)
		}
	default:
		if invoke, ok := j.open[e.Process]; ok {
			delete(j.open, e.Process)
			j.ended(&op{did: history.Operation{Invoke: invoke, Complete: e}, clients: j.clients})
		}
	}
}

// announced reads the plan's event.
func announced(e *history.Op) history.Announcement {
	var a history.Announcement
	if json.Unmarshal(e.Value, &a) != nil {
		return history.Announcement{}
	}
	return a
}

// ended takes in an operation that has ended, or never will.
func (j *judge) ended(o *op) {
	if j.spent {
		return
	}
	j.need(o)
	if j.rule.when != nil {
		yes, err := j.machine.predicate(j.rule.when, o)
		if err != nil {
			j.fault(err, o)
			return
		}
		if !yes {
			return
		}
	}
	j.body.operation(o)
}

func (j *judge) need(o *op) {
	for i, n := range j.rule.needs {
		if j.met[i] {
			continue
		}
		yes, err := j.machine.predicate(n.is, o)
		if err != nil {
			j.fault(err, o)
		}
		j.met[i] = yes
	}
}

// finish judges what is left at the end of h.
func (j *judge) finish(h *history.History) {
	left := slices.SortedFunc(maps.Values(j.open), func(a, b *history.Op) int { return a.Index - b.Index })
	clear(j.open)
	for _, invoke := range left {
		j.ended(&op{did: history.Operation{Invoke: invoke}, clients: j.clients})
	}
	if !j.spent {
		j.body.finish(h)
	}
}

// fault takes in why a call did not come to its end: the rule is broken by o, or
// cannot be judged, or the script has an error.
func (j *judge) fault(err error, o *op) {
	var found *broke
	switch {
	case errors.As(err, &found) && found.unsure:
		if j.unsure == "" {
			j.unsure = found.says
		}
	case errors.As(err, &found):
		j.breaks(o, found)
	case errors.Is(err, errTime):
		j.spent = true
		j.trouble = err
	default:
		if j.troubles++; j.trouble == nil {
			j.trouble, j.inHand = err, o
		}
		j.spent = j.spent || j.troubles >= maxErrors
	}
}

// breaks notes that o broke the rule; o may be nil if it is no single operation.
func (j *judge) breaks(o *op, found *broke) {
	j.broken++
	if j.first != nil {
		return
	}
	b := &Break{Rule: j.rule.name, Event: -1, At: j.now}
	if found == nil {
		found = &broke{}
	}
	if o != nil {
		b.At, b.Event = o.moment(), o.last().Index
		b.Says = append(b.Says, "It was broken at "+say.Moment(b.At)+" by this operation: "+ending(o.describe()))
		b.Evidence = append(b.Evidence, o.events()...)
	}
	if found.says != "" {
		b.Says = append(b.Says, sentence(found.says))
	}
	b.show(found.shown, o)
	j.first = b
}
