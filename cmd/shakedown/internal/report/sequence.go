package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// The measures of a sequence diagram.
const (
	sequenceWidth = 1000
	sequenceLeft  = 86 // for the moments
	sequenceTop   = 34 // for the names
	beatHeight    = 30
	maxBeatFaults = 8 // faults that are told among the operations
)

// A sequence is the failing window told message by message, for people who do
// not read histories: who asked whom for what, what came back, and which faults
// came and went meanwhile. It is to scale in order, not in time.
type sequence struct {
	Width, Height int
	Bottom        int
	Actors        []actor
	Beats         []beat
}

// An actor is a client or a node, with a line of its own.
type actor struct {
	Name   string
	X      float64
	Client bool
}

// A beat is one thing that happened.
type beat struct {
	At    string
	Says  string // in a sentence
	Event int    // to go to, or -1
	Kind  string // ask, ok, fail, unknown, fault
	Label string
	// X1 and X2 are where the arrow begins and ends, Y is its height.
	X1, X2, TextX float64
	Y             int
	Anchor        string
	Head          string // points of the arrow's head
	time          time.Duration
	from, to      string
}

// newSequence tells the operations in the order of their events.
func (f *facts) newSequence(operations []history.Operation) *sequence {
	s := &sequence{Width: sequenceWidth}
	timed := f.hasTimes
	from, to := operations[0].Start(), time.Duration(0)
	for _, o := range operations {
		from, to = min(from, o.Start()), max(to, until(o))
		s.Beats = append(s.Beats, beatsOf(o, timed)...)
	}
	slices.SortStableFunc(s.Beats, func(a, b beat) int { return cmp.Compare(a.Event, b.Event) })
	s.addActors(operations)
	s.addFaults(f.windows, from, to)
	s.layOut(timed)
	return s
}

func clientName(process int) string { return fmt.Sprintf("process %d", process) }

// system is who answers where no node is named.
const system = "the system"

func server(o history.Operation) string {
	if o.Invoke.Node == "" {
		return system
	}
	return clip(o.Invoke.Node, 40)
}

// beatsOf are the question and the answer, and how long it took if that is known.
func beatsOf(o history.Operation, timed bool) []beat {
	client, node := clientName(o.Invoke.Process), server(o)
	ask := beat{time: o.Start(), Event: o.Invoke.Index, Kind: "ask", from: client, to: node, Label: clip(asked(o), 70)}
	ask.Says = fmt.Sprintf("%s asks %s: %s.", client, node, ask.Label)
	if o.Complete == nil {
		return []beat{ask}
	}
	done := beat{time: o.Complete.Time, Event: o.Complete.Index, Kind: word(o.Type()), from: node, to: client}
	took := ""
	if timed {
		took = " after " + short(o.Complete.Time-o.Start())
	}
	switch o.Type() {
	case history.OK:
		done.Label = clip(answer(o), 70)
		done.Says = fmt.Sprintf("%s answers %s%s: %s.", node, client, took, done.Label)
	case history.Fail:
		done.Label = "failed"
		done.Says = fmt.Sprintf("%s learns%s that it did not happen%s.", client, took, because(o))
	default:
		done.Label = "no answer"
		done.Says = fmt.Sprintf("%s gives up%s without an answer%s: it may have happened, or may still.", client, took, because(o))
	}
	return []beat{ask, done}
}

func because(o history.Operation) string {
	if o.Complete.Error == "" {
		return ""
	}
	return " (" + printable(clip(o.Complete.Error, 100)) + ")"
}

// answer is what came back: a value where something was read.
func answer(o history.Operation) string {
	if string(o.Complete.Value) == string(o.Invoke.Value) || len(o.Complete.Value) == 0 {
		return "done"
	}
	if micro, ok := microDeeds(o.Complete.Value, true); ok {
		return micro
	}
	return shownValue(o.Complete.Value)
}

// addActors gives each client and each node a line: clients left, nodes right.
func (s *sequence) addActors(operations []history.Operation) {
	var clients []int
	var nodes []string
	for _, o := range operations {
		if !slices.Contains(clients, o.Invoke.Process) {
			clients = append(clients, o.Invoke.Process)
		}
		if n := server(o); !slices.Contains(nodes, n) {
			nodes = append(nodes, n)
		}
	}
	slices.Sort(clients)
	slices.SortFunc(nodes, compareNodes)
	for _, c := range clients {
		s.Actors = append(s.Actors, actor{Name: clientName(c), Client: true})
	}
	for _, n := range nodes {
		s.Actors = append(s.Actors, actor{Name: n})
	}
	gap := float64(sequenceWidth-sequenceLeft-92) / float64(max(len(s.Actors)-1, 1))
	for i := range s.Actors {
		s.Actors[i].X = sequenceLeft + 40 + gap*float64(i)
	}
}

// addFaults puts the faults in force between the moments where they belong.
func (s *sequence) addFaults(windows []history.FaultWindow, from, to time.Duration) {
	told := 0
	for _, w := range windows {
		if told == maxBeatFaults || !w.Covers(from, to) {
			continue
		}
		told++
		name := w.ID
		if w.Says != "" {
			name += " (" + clip(w.Says, 60) + ")"
		}
		s.addFault(w, name, from, to)
	}
	slices.SortStableFunc(s.Beats, func(a, b beat) int { return cmp.Compare(a.time, b.time) })
}

func (s *sequence) addFault(w history.FaultWindow, name string, from, to time.Duration) {
	add := func(at time.Duration, format string, args ...any) {
		says := fmt.Sprintf(format, args...)
		s.Beats = append(s.Beats, beat{time: at, Event: -1, Kind: "fault", Says: says + ".", Label: clip(says, 110)})
	}
	switch {
	case w.InForce < 0:
		add(max(w.Inject, from), "%s was tried and not seen to take hold", name)
	case w.InForce <= from:
		add(from-1, "%s is in force since %s", name, seconds(w.InForce))
	case w.InForce <= to:
		add(w.InForce, "%s takes hold", name)
	}
	if w.Healed >= from && w.Healed <= to && w.InForce >= 0 {
		add(w.Healed, "%s is healed", name)
	}
}

// layOut gives every beat its place, and its moment if there is one.
func (s *sequence) layOut(timed bool) {
	place := map[string]float64{}
	for _, a := range s.Actors {
		place[a.Name] = a.X
	}
	for i := range s.Beats {
		b := &s.Beats[i]
		b.Y = sequenceTop + 22 + i*beatHeight
		if timed {
			b.At = seconds(max(b.time, 0))
		}
		if b.Kind == "fault" {
			b.X1, b.X2, b.TextX, b.Anchor = sequenceLeft, sequenceWidth-8, sequenceLeft+8, "start"
			continue
		}
		b.X1, b.X2 = place[b.from], place[b.to]
		b.TextX, b.Anchor = (b.X1+b.X2)/2, "middle"
		b.Head = arrowHead(b.X1, b.X2, b.Y)
	}
	s.Bottom = sequenceTop + 10 + len(s.Beats)*beatHeight
	s.Height = s.Bottom + 8
}

// arrowHead are the points of the tip of an arrow to x2.
func arrowHead(x1, x2 float64, y int) string { return tip(x1, float64(y), x2, float64(y)) }
