package export

import (
	"bufio"
	"fmt"
	"io"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/history/edn"
)

// A Source is what is exported.
type Source struct {
	// ID names the run; it is empty for a bare history.
	ID       string
	Scenario string
	// System is what was tested, for example "etcd 3.5.21, 5 nodes".
	System string
	// Clients is how many clients there were: process p is client p mod
	// Clients. 0 means that each process is one of its own.
	Clients int
	// InFlight is how many operations a client could have under way; 0 means 1.
	InFlight int
	// Zero is the moment by the wall clock at which the history's time is 0,
	// or the zero time.
	Zero    time.Time
	History *history.History
	// Key is the one that the form is to be about, if it is about one.
	Key string
	// Model is what the keys are meant to be, for the form that draws them.
	Model string
}

// A Form is a way to write a history.
type Form struct {
	Name string
	// Extension is how a file in this form ends, with the dot.
	Extension string
	// Says is what it is good for.
	Says  string
	write func(w io.Writer, s Source) error
}

// Forms are all forms there are.
func Forms() []Form {
	return []Form{
		{"jepsen-edn", ".edn", "the history as Jepsen, Elle and Knossos read it", writeEDN},
		{"csv", ".csv", "a line for each operation, for spreadsheets and data frames", writeCSV},
		{"perfetto", ".perfetto.json", "clients, faults and phases on one time axis, for ui.perfetto.dev or chrome://tracing", writePerfetto},
		{"porcupine", ".porcupine.html", "porcupine's own page of one key (--key; else the busiest)", writePorcupine},
		{"itf", ".itf.json", "a trace of states, for Apalache, Quint and the ITF trace viewer", writeITF},
		{"otlp", ".otlp.json", "a span for each operation and fault, as OpenTelemetry's JSON", writeOTLP},
	}
}

// Write writes s in this form.
func (f Form) Write(w io.Writer, s Source) error {
	b := bufio.NewWriterSize(w, 1<<16)
	if err := f.write(b, s); err != nil {
		return fmt.Errorf("export as %s: %w", f.Name, err)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("export as %s: %w", f.Name, err)
	}
	return nil
}

func writeEDN(w io.Writer, s Source) error {
	if _, err := io.WriteString(w, edn.Ours); err != nil {
		return err
	}
	return edn.Write(w, s.History)
}

// lane is the client of a process.
func (s Source) lane(process int) int {
	if s.Clients > 0 {
		return process % s.Clients
	}
	return process
}

// worker is the one of a client's operations under way, of all clients: process
// numbers go round all of them.
func (s Source) worker(process int) int {
	if s.Clients > 0 {
		return process % (s.Clients * max(s.InFlight, 1))
	}
	return process
}

// end is the time of the last event.
func (s Source) end() time.Duration {
	if n := len(s.History.Ops); n > 0 {
		return s.History.Ops[n-1].Time
	}
	return 0
}
