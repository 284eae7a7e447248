package checkers

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// DefaultTimeout is how long a check may take whose [Spec] does not say.
const DefaultTimeout = time.Minute

// A Spec asks for one check. Fields that the check does not know are ignored.
type Spec struct {
	// Check is the checker's name; see [Names].
	Check string
	// Model is what linearizable checks against: "register" or "cas-register".
	Model string
	// Timeout is how long the check may take before it answers Unknown;
	// zero means [DefaultTimeout].
	Timeout time.Duration
	// Within is how long after the last heal recovery waits for every node.
	Within time.Duration
	// Forbid are the strings that logs must not find.
	Forbid []string
	// OKAtLeast is how many operations must be ok for a pass to be earned.
	OKAtLeast int
	// EveryFaultTookHold makes earned ask that every planned fault was seen to bite.
	EveryFaultTookHold bool
	// Logs are the nodes' files, <node>/stdout.log and <node>/stderr.log; nil
	// if there are none.
	Logs fs.FS
}

// A task is a check that is ready to run.
type task struct {
	checker Checker
	timeout time.Duration
}

// Check runs the checks side by side, each with its own timeout, and sums them
// up. It fails only before it begins: with an error that names the unknown
// check, model or option. A check that panics is Unknown and harms no other.
// A history that does not [history.History.Validate] makes every check Unknown.
func Check(ctx context.Context, h *history.History, specs []Spec) (Summary, error) {
	tasks := make([]task, len(specs))
	for i, spec := range specs {
		checker, err := build(spec)
		if err != nil {
			return Summary{}, err
		}
		tasks[i] = task{checker: checker, timeout: spec.Timeout}
	}
	return runAll(ctx, h, tasks), nil
}

func runAll(ctx context.Context, h *history.History, tasks []task) Summary {
	invalid := h.Validate()
	results := make([]Result, len(tasks))
	each(len(tasks), runtime.GOMAXPROCS(0), func(i int) {
		if invalid != nil {
			results[i] = Result{Check: tasks[i].checker.Name(), Says: []string{
				fmt.Sprintf("The history cannot have happened, so it was not judged: %v.", invalid),
			}}
			return
		}
		results[i] = tasks[i].run(ctx, h)
	})
	return summarize(results)
}

// run carries out one check, come what may.
func (t task) run(ctx context.Context, h *history.History) (r Result) {
	timeout := t.timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	began := time.Now()
	defer func() {
		if cause := recover(); cause != nil {
			r = broken(t.checker.Name(), cause, debug.Stack())
		}
		r.Took = time.Since(began)
	}()
	return t.checker.Check(ctx, h)
}

// broken is the result of a checker that panicked.
func broken(name string, cause any, stack []byte) Result {
	return Result{
		Check: name,
		Says:  []string{fmt.Sprintf("The checker itself broke, which says nothing about the system: %v.", cause)},
		Pages: []Page{{Name: "panic.txt", Write: func(w io.Writer) error {
			_, err := w.Write(stack)
			return err
		}}},
	}
}
