package checkers

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

const (
	// windowSize is how many operations porcupine's page shows: a browser
	// takes seconds to lay out a few thousand.
	windowSize = 60
	// drawTime bounds how long porcupine may look for partial linearizations.
	drawTime = 5 * time.Second
)

// pages are the files that go with an explained violation.
func pages(k *judgement, faults []history.FaultWindow) []Page {
	return []Page{
		{Name: "counterexample.jsonl", Write: func(w io.Writer) error { return WriteEvents(w, operationsOf(k.found.core)) }},
		{Name: PictureName(k.key), Write: func(w io.Writer) error { return draw(w, k, faults) }},
	}
}

// PictureName is the name of the page with porcupine's picture of a key: the key
// made fit to be part of a file's name everywhere.
func PictureName(key string) string {
	if key == "" {
		key = "register"
	}
	return "porcupine-" + say.Cut(strings.Map(func(r rune) rune {
		if r < 128 && (r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return r
		}
		return '_'
	}, key), 60) + ".html"
}

// WriteEvents writes the events of the operations in the order of the history,
// one a line, with the indexes that they have there.
func WriteEvents(w io.Writer, operations []history.Operation) error {
	var events []*history.Op
	for _, o := range operations {
		events = append(events, o.Invoke)
		if o.Complete != nil {
			events = append(events, o.Complete)
		}
	}
	slices.SortFunc(events, func(a, b *history.Op) int { return cmp.Compare(a.Index, b.Index) })
	encoder := json.NewEncoder(w)
	for _, e := range events {
		if err := encoder.Encode(e); err != nil {
			return fmt.Errorf("write event %d: %w", e.Index, err)
		}
	}
	return nil
}

// operationsOf are the operations behind the accesses.
func operationsOf(accesses []access) []history.Operation {
	all := make([]history.Operation, len(accesses))
	for i := range accesses {
		all[i] = accesses[i].op
	}
	return all
}

// window returns the core with the operations around it, at most windowSize if
// the core itself is not larger, such that what is shown is as wrong as the
// whole and no wronger: a value that is needed is shown being set.
func window(k *judgement) []access {
	core := k.found.core
	if !unique(k.accesses) || len(core) == 0 {
		return core
	}
	near := slices.Clone(k.accesses)
	at := k.found.culprit.call
	slices.SortStableFunc(near, func(a, b access) int { return cmp.Compare(away(&a, at), away(&b, at)) })
	setters := make(map[int]access)
	for _, a := range k.accesses {
		if a.sets != nothing {
			setters[a.sets] = a
		}
	}
	shown := slices.Clone(core)
	for _, a := range near {
		with := missingFrom(shown, a, setters)
		if len(shown)+len(with) <= windowSize {
			shown = append(shown, with...)
		}
	}
	return recorded(k.accesses, shown)
}

func away(a *access, event int) int {
	return max(a.call-event, event-a.call)
}

// missingFrom returns a, the access that set what it needs, and so on, without
// those that are shown already. A chain longer than the window is given up.
func missingFrom(shown []access, a access, setters map[int]access) []access {
	var missing []access
	for range windowSize + 1 {
		here := func(b access) bool { return b.id() == a.id() }
		if slices.ContainsFunc(shown, here) || slices.ContainsFunc(missing, here) {
			return missing
		}
		missing = append(missing, a)
		if a.needs == nothing || a.needs == initial {
			return missing
		}
		setter, ok := setters[a.needs]
		if !ok {
			// Garbage is shown only if it is in the core.
			return slices.Repeat([]access{a}, windowSize+1)
		}
		a = setter
	}
	return missing
}

// draw writes porcupine's page of the window around the contradiction.
func draw(w io.Writer, k *judgement, faults []history.FaultWindow) error {
	return drawThese(w, k, window(k), faults)
}

// drawThese writes porcupine's page of some accesses of one key.
func drawThese(w io.Writer, k *judgement, shown []access, faults []history.FaultWindow) error {
	m := porcupineModel()
	s := story{judgement: k, contradiction: k.found}
	m.DescribeOperation = func(input, _ any) string { return s.caption(input.(*access)) }
	m.DescribeState = func(state any) string { return s.show(state.(int)) }
	return Draw(w, m, porcupineHistory(shown), operationsOf(shown), faults)
}

// Draw writes porcupine's page of calls, which are those of the operations, with
// the faults above them. Their times are replaced by the history's in nanoseconds,
// moved on by one where the clock stood still, so that the picture shows the order
// in which things really happened. Whatever breaks on the way is an error.
func Draw(w io.Writer, m porcupine.Model, calls []porcupine.Operation, operations []history.Operation, faults []history.FaultWindow) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("draw %s: %v", say.Number(len(operations), "operation"), cause)
		}
	}()
	if len(operations) == 0 {
		return errors.New("draw: no operations to show")
	}
	clock := newClock(operations)
	for i, o := range operations {
		calls[i].Call, calls[i].Return = clock.at[o.Invoke.Index], clock.end
		if o.Type() != history.Info {
			calls[i].Return = clock.at[o.Complete.Index]
		}
	}
	_, info := porcupine.CheckOperationsVerbose(m, calls, drawTime)
	info.AddAnnotations(annotations(faults, clock))
	if err := porcupine.Visualize(m, info, w); err != nil {
		return fmt.Errorf("draw %s: %w", say.Number(len(operations), "operation"), err)
	}
	return nil
}

// caption is what porcupine's page writes into the box of an access.
func (s story) caption(a *access) string {
	var says string
	switch {
	case a.refuses != nothing:
		says = "cas: not " + s.show(a.refuses)
	case a.needs == nothing:
		says = "write " + s.show(a.sets)
	case a.sets == nothing && a.op.Type() == history.Fail:
		says = "cas: found " + s.show(a.needs)
	case a.sets == nothing:
		says = "read " + s.show(a.needs)
	default:
		says = fmt.Sprintf("cas %s → %s", s.show(a.needs), s.show(a.sets))
	}
	if a.ret == open {
		says += " (unknown)"
	}
	return fmt.Sprintf("%s #%d %s", says, last(a.op), a.op.Invoke.Node)
}

// A clock gives every event its own nanosecond, in order.
type clock struct {
	at         map[int]int64
	begin, end int64
}

func newClock(operations []history.Operation) clock {
	type event struct {
		index int
		at    time.Duration
	}
	var events []event
	for _, o := range operations {
		events = append(events, event{o.Invoke.Index, o.Start()})
		if o.Type() != history.Info {
			events = append(events, event{o.Complete.Index, o.Complete.Time})
		}
	}
	slices.SortFunc(events, func(a, b event) int { return cmp.Compare(a.index, b.index) })
	c := clock{at: make(map[int]int64, len(events)), begin: int64(events[0].at)}
	now := int64(math.MinInt64)
	for _, e := range events {
		now = max(int64(e.at), now+1)
		c.at[e.index] = now
	}
	c.end = now + int64(time.Millisecond)
	return c
}

// annotations shows the faults of the window above the operations.
func annotations(faults []history.FaultWindow, c clock) []porcupine.Annotation {
	var shown []porcupine.Annotation
	for _, f := range faults {
		if !f.Covers(time.Duration(c.begin), time.Duration(c.end)) {
			continue
		}
		until := c.end
		if f.Healed >= 0 {
			until = min(until, int64(f.Healed))
		}
		shown = append(shown, porcupine.Annotation{
			Tag: f.Fault, Start: max(c.begin, int64(f.Inject)), End: until,
			Description: f.ID, Details: deed(f, "") + " " + lasted(f) + bite(f), BackgroundColor: "#ffd9b3",
		})
	}
	return shown
}
