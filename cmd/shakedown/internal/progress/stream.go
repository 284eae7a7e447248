package progress

import (
	"encoding/json"
	"io"
	"sync"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner"
)

// StreamVersion is the version of what a [Stream] writes. What is added raises
// the number after the point; what readers would stumble over, the one before.
// Readers ignore keys and types that they do not know, and refuse another
// number before the point.
const StreamVersion = "1.0"

// A Stream writes what happens for programs, as an object a line. The first
// has the type "version"; each run then begins with "run" and ends with
// "end". Between are events, whose type is their kind (note, phase, fault,
// heal, ops, warn), and once a second "reading".
type Stream struct {
	mu      sync.Mutex
	encoder *json.Encoder
	version string
	began   bool
	run     string
}

// NewStream writes to w; version is that of this program.
func NewStream(w io.Writer, version string) *Stream {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return &Stream{encoder: e, version: version}
}

type streamVersion struct {
	Type      string `json:"type"`
	Stream    string `json:"stream"`
	Shakedown string `json:"shakedown"`
}

type streamRun struct {
	Type     string                `json:"type"`
	Run      string                `json:"run"`
	Folder   string                `json:"folder"`
	Scenario string                `json:"scenario"`
	System   string                `json:"system"`
	Seed     uint64                `json:"seed"`
	Nodes    []string              `json:"nodes"`
	Phases   []runner.PlannedPhase `json:"phases"`
	Faults   int                   `json:"faults"`
}

type streamEvent struct {
	Type  string              `json:"type"`
	Run   string              `json:"run"`
	At    int64               `json:"at_ns"`
	Text  string              `json:"text"`
	Fault string              `json:"fault,omitempty"`
	Step  *history.FaultEvent `json:"step,omitempty"`
}

type streamReading struct {
	Type string `json:"type"`
	Run  string `json:"run"`
	runner.Reading
}

type streamEnd struct {
	Type    string `json:"type"`
	Run     string `json:"run"`
	Verdict string `json:"verdict,omitempty"`
	Expect  string `json:"expect,omitempty"`
	Exit    int    `json:"exit"`
	Error   string `json:"error,omitempty"`
	Hint    string `json:"hint,omitempty"`
}

// Begin writes the version, if this is the first run, and the run.
func (s *Stream) Begin(r Run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.began {
		s.began = true
		s.write(streamVersion{"version", StreamVersion, s.version})
	}
	s.run = r.ID
	s.write(streamRun{"run", r.ID, r.Folder, r.Scenario, r.System, r.Seed, r.Nodes, r.Phases, len(r.Faults)})
}

// Event writes an event.
func (s *Stream) Event(e runner.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := streamEvent{Type: e.Kind, Run: s.run, At: int64(e.At), Text: e.Text}
	if e.Fault != nil {
		out.Fault, out.Step = e.Fault.Fault, &e.Fault.FaultEvent
	}
	s.write(out)
}

// Reading writes a reading.
func (s *Stream) Reading(r runner.Reading) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.write(streamReading{"reading", s.run, r})
}

// End writes how the run ended.
func (s *Stream) End(e Ending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.write(streamEnd{"end", s.run, e.Verdict, e.Expect, e.Exit, e.Error, e.Hint})
}

// write loses what cannot be written; the run goes on.
func (s *Stream) write(v any) { _ = s.encoder.Encode(v) }
