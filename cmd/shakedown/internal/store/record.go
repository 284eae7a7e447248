package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
)

// Format is the version of run.json and result.json. Older ones are read,
// newer ones refused.
const Format = 1

// A RunInfo is run.json: under which circumstances the run was made. It is
// written before the first fault.
type RunInfo struct {
	Format    int       `json:"format"`
	Shakedown Build     `json:"shakedown"`
	Argv      []string  `json:"argv"`
	Seed      uint64    `json:"seed"`
	Started   time.Time `json:"started"`
	Host      Host      `json:"host"`
	Docker    Docker    `json:"docker"`
	Image     Image     `json:"image"`
	// Env are those variables of the program's environment that are known to
	// matter and to hold no secret, see [SafeEnv]; no others are stored.
	Env map[string]string `json:"env,omitempty"`
	// Parent is the id of the run that this one repeats or shrinks; empty for
	// a run of its own.
	Parent string `json:"parent,omitempty"`
	// Set are the settings by which the scenario differs from scenario.yaml, as
	// --set or a matrix gave them.
	Set []string `json:"set,omitempty"`
}

// A Build is the program that made the run.
type Build struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
}

// Docker is the engine that had the nodes; empty for a run without one.
type Docker struct {
	Engine string `json:"engine,omitempty"`
	API    string `json:"api,omitempty"`
}

// An Image is what the nodes ran.
type Image struct {
	Ref string `json:"ref,omitempty"`
	ID  string `json:"id,omitempty"`
}

// A Result is result.json: what was found. It is the last file to be written.
type Result struct {
	Format  int              `json:"format"`
	Verdict checkers.Verdict `json:"verdict"`
	// Expect is what the scenario expects: valid or violation.
	Expect     string `json:"expect"`
	AsExpected bool   `json:"as_expected"`
	// Exit is the code with which the program ends for this run alone.
	Exit int `json:"exit"`
	// Interrupted says that the run was stopped before its plan was done.
	Interrupted bool `json:"interrupted,omitempty"`
	// Stopped is the rule that ended the storm before its time, and how it was
	// broken; empty if none did.
	Stopped string `json:"stopped,omitempty"`
	// Reasons say, in sentences, why a pass would not count whatever the
	// checks say: the run was cut short, the environment failed.
	Reasons []string          `json:"reasons,omitempty"`
	Checks  []checkers.Result `json:"checks"`
	Counts  map[string]int64  `json:"counts,omitempty"`
	Timings Timings           `json:"timings,omitempty"`
	// Problems are troubles of the environment (a teardown that failed, a log
	// that could not be collected). They never change the verdict.
	Problems []string `json:"problems,omitempty"`
}

// Timings say how long the parts of a run took. In JSON, each name ends in
// "_ns".
type Timings map[string]time.Duration

const nanoseconds = "_ns"

// MarshalJSON writes {"up_ns": 4200000000}.
func (t Timings) MarshalJSON() ([]byte, error) {
	named := make(map[string]int64, len(t))
	for name, took := range t {
		named[name+nanoseconds] = int64(took)
	}
	return json.Marshal(named)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *Timings) UnmarshalJSON(data []byte) error {
	var named map[string]int64
	if err := json.Unmarshal(data, &named); err != nil {
		return err
	}
	*t = make(Timings, len(named))
	for name, took := range named {
		short, ok := strings.CutSuffix(name, nanoseconds)
		if !ok {
			return fmt.Errorf("timing %q does not say its unit: want %q", name, name+nanoseconds)
		}
		(*t)[short] = time.Duration(took)
	}
	return nil
}

func (r *RunInfo) checkFormat() error { return checkFormat(r.Format) }

func (r *Result) checkFormat() error { return checkFormat(r.Format) }

func checkFormat(format int) error {
	if format > Format {
		return fmt.Errorf("it was written by a newer shakedown: its format is %d, and this version reads up to %d", format, Format)
	}
	if format < 1 {
		return fmt.Errorf("its format is %d, which never was one", format)
	}
	return nil
}
