package progress

import (
	"time"

	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/runner"
)

// A Run is what is known of a run before it begins.
type Run struct {
	ID       string
	Folder   string
	Scenario string
	// System is what is tested, for example "etcd 3.5.21".
	System string
	Seed   uint64
	Nodes  []string
	Phases []runner.PlannedPhase
	// Faults are in order of time.
	Faults []nemesis.Injection
}

// An Ending is how a run ended.
type Ending struct {
	// Verdict and Expect are words: valid, violation, unknown. Verdict is
	// empty if the run was not judged.
	Verdict string
	Expect  string
	Exit    int
	// Error is why the environment failed, empty if it did not; Hint what to do.
	Error string
	Hint  string
}

// A Watcher shows one run after another. Begin comes first and End last; what
// comes between may come from many goroutines.
type Watcher interface {
	Begin(Run)
	Event(runner.Event)
	Reading(runner.Reading)
	End(Ending)
}

// Quiet shows nothing.
type Quiet struct{}

// Begin does nothing.
func (Quiet) Begin(Run) {}

// Event does nothing.
func (Quiet) Event(runner.Event) {}

// Reading does nothing.
func (Quiet) Reading(runner.Reading) {}

// End does nothing.
func (Quiet) End(Ending) {}

// A Clock tells the time since any fixed moment.
type Clock func() time.Duration
