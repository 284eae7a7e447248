package report

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// A Run is what there is to tell about one run, or about one bare history.
type Run struct {
	// ID names the run in commands; empty for a bare history.
	ID string
	// Folder is where its files are.
	Folder string
	// Bundle is the zip that they were taken out of for a while; empty for a
	// run in a folder of its own.
	Bundle   string
	Scenario string
	About    string
	// System is what was tested, for example "etcd 3.5.21, 5 nodes".
	System  string
	Seed    uint64
	Started time.Time
	Took    time.Duration
	// Expect is the verdict that the scenario expects.
	Expect  checkers.Verdict
	Verdict checkers.Verdict
	// Reasons say, in sentences, why the verdict is not better than unknown
	// although the checks alone might have allowed it: the run was cut short,
	// a step failed.
	Reasons []string
	// Results are of the checks, in the order of the scenario.
	Results []checkers.Result
	// History is what was judged; nil if there is none.
	History *history.History
	// Planned are the faults of the plan.
	Planned []Planned
	// Facts are the fine print.
	Facts []Fact
	// Logs are what the nodes left behind, a folder for each: stdout.log,
	// stderr.log, inspect.json. nil if there is nothing.
	Logs fs.FS
	// Zero is the moment by the wall clock at which the history's time is 0, so
	// that logs can be put beside it; the zero time if nobody knows.
	Zero time.Time
	// Compared puts the run beside another; nil if there is none.
	Compared *Compared
}

// A Compared is another run with what differs.
type Compared struct {
	// With is its id, and Why in words which one it is.
	With, Why string
	// Says tells whether the plans are the same.
	Says string
	// Rows are figures, Checks the verdicts; A is of this run, B of the other.
	Rows, Checks []ComparedRow
}

// A ComparedRow has one figure of both runs; Differs marks what a reader looks
// for.
type ComparedRow struct {
	Name, A, B string
	Differs    bool
}

// A Planned is a fault as the plan has it, on the plan's own time axis, which
// begins with the first phase.
type Planned struct {
	ID, Fault string
	// Says is what and whom, for example "majority-ring" or "n3".
	Says    string
	At, For time.Duration
	// When is what it waits for from At on, in words; empty for one that comes
	// at its time.
	When string
}

// A Fact is a line of the fine print.
type Fact struct{ Name, Value string }

// AsExpected tells whether the run ended as its scenario expects.
func (r Run) AsExpected() bool { return r.Verdict == r.Expect }

// Word is the verdict in a word that a person says.
func Word(v checkers.Verdict) string {
	switch v {
	case checkers.Valid:
		return "valid"
	case checkers.Violation:
		return "violation"
	}
	return "unknown"
}

// Headline is the verdict in one sentence.
func (r Run) Headline() string {
	bad := r.with(checkers.Violation)
	switch {
	case r.Verdict == checkers.Violation && r.Expect == checkers.Violation:
		return fmt.Sprintf("%s found a violation, as the scenario expects", names(bad))
	case r.Verdict == checkers.Violation:
		return fmt.Sprintf("%s found a violation", names(bad))
	case r.Verdict == checkers.Valid && r.Expect == checkers.Violation:
		return "the violation that the scenario expects was not found"
	case r.Verdict == checkers.Valid:
		return "nothing that the checks look for went wrong"
	}
	return "nothing was found, but not everything could be judged"
}

// Sorted are the results with violations first, then what is unknown.
func (r Run) Sorted() []checkers.Result {
	return slices.SortedStableFunc(slices.Values(r.Results), func(a, b checkers.Result) int {
		return cmp.Compare(urgency(a.Verdict), urgency(b.Verdict))
	})
}

func urgency(v checkers.Verdict) int {
	return map[checkers.Verdict]int{checkers.Violation: 0, checkers.Unknown: 1, checkers.Valid: 2}[v]
}

// with are the results with verdict v.
func (r Run) with(v checkers.Verdict) []checkers.Result {
	return slices.DeleteFunc(slices.Clone(r.Results), func(c checkers.Result) bool { return c.Verdict != v })
}

func names(results []checkers.Result) string {
	var out []string
	for _, r := range results {
		if !slices.Contains(out, r.Check) {
			out = append(out, r.Check)
		}
	}
	if len(out) == 0 {
		return "a check"
	}
	return strings.Join(out, " and ")
}
