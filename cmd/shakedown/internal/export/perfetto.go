package export

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// The groups of tracks, which the format calls processes.
const (
	perfettoClients = 1
	perfettoFaults  = 2
	perfettoPhases  = 3
)

// A perfettoEvent is an event of the JSON that Chrome's tracing began with and
// Perfetto reads. Times are microseconds.
type perfettoEvent struct {
	Name     string         `json:"name"`
	Phase    string         `json:"ph"`
	Category string         `json:"cat,omitempty"`
	Time     float64        `json:"ts"`
	Length   *float64       `json:"dur,omitempty"`
	Group    int            `json:"pid"`
	Track    int            `json:"tid"`
	Scope    string         `json:"s,omitempty"`
	Args     map[string]any `json:"args,omitempty"`
}

// writePerfetto writes clients, faults and phases as tracks. Slices of one
// track may not overlap: so each fault has a track of its own, and an operation
// with an unknown result, which ends nowhere, is a mark where it began.
func writePerfetto(w io.Writer, s Source) error {
	if _, err := io.WriteString(w, `{"displayTimeUnit":"ms","traceEvents":[`+"\n"); err != nil {
		return err
	}
	p := &perfettoWriter{w: w}
	p.name(perfettoClients, "clients")
	p.name(perfettoFaults, "faults")
	p.name(perfettoPhases, "phases")
	p.clients(s)
	p.faults(s)
	for _, ph := range s.History.Phases() {
		p.slice(perfettoPhases, 1, "phase", ph.Name, ph.From, ph.To, nil)
	}
	if p.err != nil {
		return p.err
	}
	_, err := io.WriteString(w, "\n]}\n")
	return err
}

// A perfettoWriter writes events with commas between them, until the first
// error.
type perfettoWriter struct {
	w     io.Writer
	begun bool
	err   error
}

func (p *perfettoWriter) event(e perfettoEvent) {
	if p.err != nil {
		return
	}
	text, err := json.Marshal(e)
	if err == nil && p.begun {
		_, err = io.WriteString(p.w, ",\n")
	}
	if err == nil {
		_, err = p.w.Write(text)
	}
	p.begun, p.err = true, err
}

func (p *perfettoWriter) name(group int, name string) {
	p.event(perfettoEvent{Name: "process_name", Phase: "M", Group: group, Args: map[string]any{"name": name}})
}

func (p *perfettoWriter) nameTrack(group, track int, name string) {
	p.event(perfettoEvent{Name: "thread_name", Phase: "M", Group: group, Track: track, Args: map[string]any{"name": name}})
}

func (p *perfettoWriter) slice(group, track int, category, name string, from, to time.Duration, args map[string]any) {
	length := micros(to - from)
	p.event(perfettoEvent{Name: name, Phase: "X", Category: category, Time: micros(from), Length: &length, Group: group, Track: track, Args: args})
}

func (p *perfettoWriter) mark(group, track int, category, name string, at time.Duration, args map[string]any) {
	p.event(perfettoEvent{Name: name, Phase: "i", Category: category, Time: micros(at), Group: group, Track: track, Scope: "t", Args: args})
}

func (p *perfettoWriter) clients(s Source) {
	named := map[int]bool{}
	for _, o := range s.History.Operations() {
		if s.Key != "" && o.Invoke.Key != s.Key {
			continue
		}
		track := s.worker(o.Invoke.Process) + 1 // a track 0 is not drawn
		if !named[track] {
			named[track] = true
			p.nameTrack(perfettoClients, track, fmt.Sprintf("client %d at %s", s.lane(o.Invoke.Process), o.Invoke.Node))
		}
		args := map[string]any{"index": o.Invoke.Index, "process": o.Invoke.Process, "node": o.Invoke.Node, "outcome": o.Type().String(), "invoked": o.Invoke.Value, "value": o.Value()}
		if o.Complete != nil && o.Complete.Error != "" {
			args["error"] = o.Complete.Error
		}
		name := o.Invoke.F
		if o.Invoke.Key != "" {
			name += " " + o.Invoke.Key
		}
		if o.Type() == history.Info {
			p.mark(perfettoClients, track, "unknown", name+" (unknown)", o.Start(), args)
			continue
		}
		p.slice(perfettoClients, track, o.Type().String(), name, o.Start(), o.Complete.Time, args)
	}
}

// faults draws each from the moment it was asked for until it was seen to be
// gone, or to the end.
func (p *perfettoWriter) faults(s Source) {
	for i, f := range s.History.Faults() {
		p.nameTrack(perfettoFaults, i+1, f.ID)
		to := s.end()
		if f.Healed >= 0 {
			to = f.Healed
		}
		args := map[string]any{"nodes": f.Nodes, "says": f.Says, "took_hold": f.TookHold(), "evidence": f.Evidence}
		if f.Error != "" {
			args["error"] = f.Error
		}
		if f.Inject >= 0 {
			p.slice(perfettoFaults, i+1, f.Fault, f.ID, f.Inject, to, args)
		}
		if f.InForce >= 0 {
			p.mark(perfettoFaults, i+1, f.Fault, "seen in force", f.InForce, nil)
		}
	}
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
