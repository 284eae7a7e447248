package invariant

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.starlark.net/starlark"

	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// liveness is a rule with a deadline: after each occasion, within so long, an
// operation must come for which holds is true.
type liveness struct {
	within time.Duration
	// The occasion is one of these: a landmark, an operation for which after is
	// true (in that operation's group), or the beginning of a phase.
	landmark landmark
	after    starlark.Callable
	phase    string

	holds starlark.Callable
}

func (l liveness) begin(j *judge) evaluation {
	return &livenessEvaluation{
		liveness: l, judge: j, inForce: make(map[string]bool), pending: make(map[int]waiting),
		hopes: make(map[string][]*hope), tries: make(map[string][]*op),
	}
}

func (liveness) online() bool { return true }

// An occasion is a moment from which the time runs.
type occasion struct {
	at    time.Duration
	event int // its index
	what  string
	// groups are those who were asked since, or must be; whether they hold.
	groups map[string]*hope
}

// A hope is what one group still has to show.
type hope struct {
	met, asked bool
	// open are the invocations that had no answer when the time was up.
	open []*history.Op
}

// A waiting is an operation that is open, and its group.
type waiting struct {
	group  string
	invoke *history.Op
}

type livenessEvaluation struct {
	liveness
	judge   *judge
	open    []*occasion // whose time is not up, in order
	due     []*occasion // after last_heal: broken, if no later heal comes
	inForce map[string]bool
	pending map[int]waiting // by process
	nodes   []string
	void    int64 // occasions that a new fault ended
	begun   int64
	// hopes are, with after, those not met yet of each group, in order.
	hopes map[string][]*hope
	// tries are the last operations that were answered, of each group.
	tries map[string][]*op
}

// maxTries is how many answers of a group are remembered.
const maxTries = 256

func (e *livenessEvaluation) clock(now time.Duration) {
	for len(e.open) > 0 && now > e.open[0].at+e.within {
		o := e.open[0]
		e.open = e.open[1:]
		e.unanswered(o)
		if e.landmark == lastHeal {
			e.due = append(e.due, o)
			continue
		}
		e.settle(o)
	}
}

// unanswered notes who still waits for an answer now that the time is up.
func (e *livenessEvaluation) unanswered(o *occasion) {
	for _, process := range slices.Sorted(maps.Keys(e.pending)) {
		w := e.pending[process]
		if h, ok := o.groups[w.group]; ok && !h.met {
			h.open = append(h.open, w.invoke)
		}
	}
	for group, h := range o.groups {
		if hopes := e.hopes[group]; len(hopes) > 0 && hopes[0] == h {
			e.hopes[group] = hopes[1:]
		}
	}
}

// settle judges an occasion whose time is up.
func (e *livenessEvaluation) settle(o *occasion) {
	for _, name := range slices.Sorted(maps.Keys(o.groups)) {
		h := o.groups[name]
		switch title := e.judge.rule.per.title(name); {
		case h.met:
			e.judge.evaluated++
		case !h.asked:
			e.judge.fault(&broke{unsure: true, says: fmt.Sprintf("within %v after %s at %s no client asked%s",
				e.within, o.what, say.Moment(o.at), title)}, nil)
		default:
			e.judge.evaluated++
			e.breaks(o, h, name)
		}
	}
}

func (e *livenessEvaluation) breaks(o *occasion, h *hope, group string) {
	j := e.judge
	if j.first != nil {
		j.broken++
		return
	}
	var answered []*op
	for _, try := range e.tries[group] {
		if try.moment() >= o.at && try.moment() <= o.at+e.within {
			answered = append(answered, try)
		}
	}
	j.breaks(nil, &broke{
		says: fmt.Sprintf("%s was at %s (event %d); %v later it still did not hold%s: %s did not make it true, %d had no answer yet",
			o.what, say.Moment(o.at), o.event, e.within, j.rule.per.title(group), say.Number(len(answered), "answer"), len(h.open)),
		shown: answered[max(0, len(answered)-maxShown):],
	})
	j.first.At = o.at + e.within
	j.first.Evidence = append(j.first.Evidence, o.event)
	for _, invoke := range h.open {
		j.first.Says = append(j.first.Says, "Without an answer: "+ending((&op{did: history.Operation{Invoke: invoke}}).asked()))
		j.first.Evidence = append(j.first.Evidence, invoke.Index)
	}
	j.first.sort()
}

func (e *livenessEvaluation) nemesis(event *history.Op) {
	switch event.F {
	case "plan":
		e.nodes = announced(event).Nodes
	case "phase":
		var phase history.PhaseEvent
		if json.Unmarshal(event.Value, &phase) == nil && e.phase != "" && phase.Phase == e.phase {
			e.begins(event.Time, event.Index, "the phase "+e.phase)
		}
	default:
		if fault, ok := faultEvent(event); ok && e.landmark != "" {
			e.fault(event, fault)
		}
	}
}

// fault follows the cluster from whole to hurt and back.
func (e *livenessEvaluation) fault(event *history.Op, fault history.FaultEvent) {
	switch fault.Stage {
	case history.StageInject:
		e.inForce[fault.ID] = true
		// What is hurt again owes nothing any more.
		e.void += int64(len(e.open) + len(e.due))
		e.open, e.due = nil, nil
	case history.StageHealed:
		delete(e.inForce, fault.ID)
		if len(e.inForce) == 0 {
			if e.landmark == lastHeal {
				e.open, e.due = nil, nil
			}
			e.begins(event.Time, event.Index, "the heal of "+fault.ID)
		}
	}
}

// begins opens an occasion for all groups.
func (e *livenessEvaluation) begins(at time.Duration, event int, what string) {
	o := &occasion{at: at, event: event, what: what, groups: make(map[string]*hope)}
	if e.judge.rule.per.by == "node" {
		for _, node := range e.nodes {
			o.groups[node] = &hope{}
		}
	}
	if e.judge.rule.per == (grouping{}) {
		o.groups[""] = &hope{}
	}
	for _, process := range slices.Sorted(maps.Keys(e.pending)) {
		o.hope(e.pending[process].group).asked = true
	}
	e.open = append(e.open, o)
	e.begun++
}

func (o *occasion) hope(group string) *hope {
	h, ok := o.groups[group]
	if !ok {
		h = &hope{}
		o.groups[group] = h
	}
	return h
}

func (e *livenessEvaluation) invoked(event *history.Op) {
	group, err := e.judge.rule.per.of(e.judge.machine, &op{did: history.Operation{Invoke: event}, clients: e.judge.clients})
	if err != nil {
		e.judge.fault(err, nil)
		return
	}
	e.pending[event.Process] = waiting{group, event}
	if e.after == nil {
		for _, o := range e.open {
			o.hope(group).asked = true
		}
		return
	}
	hopes := e.hopes[group]
	for i := len(hopes) - 1; i >= 0 && !hopes[i].asked; i-- {
		hopes[i].asked = true
	}
}

func (e *livenessEvaluation) operation(o *op) {
	delete(e.pending, o.did.Invoke.Process)
	group, err := e.judge.rule.per.of(e.judge.machine, o)
	if err == nil && o.did.Complete != nil {
		err = e.answered(o, group)
	}
	yes := false
	if err == nil && e.after != nil {
		yes, err = e.judge.machine.predicate(e.after, o)
	}
	if err != nil {
		e.judge.fault(err, o)
		return
	}
	if yes {
		h := &hope{asked: e.isOpen(group)}
		e.hopes[group] = append(e.hopes[group], h)
		e.open = append(e.open, &occasion{
			at: o.moment(), event: o.last().Index, what: "the " + o.did.Invoke.F, groups: map[string]*hope{group: h},
		})
	}
}

func (e *livenessEvaluation) isOpen(group string) bool {
	for _, w := range e.pending {
		if w.group == group {
			return true
		}
	}
	return false
}

// answered tells all open occasions of the group of an operation that ended.
func (e *livenessEvaluation) answered(o *op, group string) error {
	hopes := e.hopes[group]
	if e.after == nil {
		hopes = nil
		for _, each := range e.open {
			if h := each.hope(group); !h.met {
				hopes = append(hopes, h)
			}
		}
	}
	if len(hopes) == 0 {
		return nil
	}
	if e.tries[group] = append(e.tries[group], o); len(e.tries[group]) > 2*maxTries {
		e.tries[group] = slices.Clone(e.tries[group][maxTries:])
	}
	yes, err := e.judge.machine.predicate(e.holds, o)
	for _, h := range hopes {
		if yes {
			h.met = true
		}
	}
	if yes {
		delete(e.hopes, group)
	}
	return err
}

func (e *livenessEvaluation) finish(h *history.History) {
	if h == nil {
		return
	}
	if e.landmark == lastHeal && len(e.inForce) > 0 {
		e.judge.fault(&broke{unsure: true, says: "the fault " + slices.Sorted(maps.Keys(e.inForce))[0] + " was never seen to be healed"}, nil)
		return
	}
	for _, o := range e.due {
		e.settle(o)
	}
	for _, o := range e.open {
		e.tooEarly(o)
	}
	if e.void > 0 {
		e.judge.extra["hurt_again"] = e.void
	}
}

// tooEarly judges an occasion whose time was not up when the history ended.
func (e *livenessEvaluation) tooEarly(o *occasion) {
	for _, name := range slices.Sorted(maps.Keys(o.groups)) {
		if o.groups[name].met {
			e.judge.evaluated++
			continue
		}
		e.judge.fault(&broke{unsure: true, says: fmt.Sprintf("the history ends %v after %s at %s, before the %v were over%s",
			(e.judge.now - o.at).Round(time.Millisecond), o.what, say.Moment(o.at), e.within, e.judge.rule.per.title(name))}, nil)
	}
}

func (e *livenessEvaluation) missing() string {
	switch {
	case e.begun > 0 && e.void >= e.begun:
		return "each time it was hurt again before the time was up"
	case e.begun > 0:
		return "nobody asked when it mattered"
	case e.landmark != "":
		return "nothing was healed"
	case e.phase != "":
		return fmt.Sprintf("there was no phase %q", e.phase)
	}
	return "no operation was an occasion for it (after=…)"
}
