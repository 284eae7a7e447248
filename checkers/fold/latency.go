package fold

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// A Threshold is a promise about how long operations take.
type Threshold struct {
	// F are the operations it is about; empty means all.
	F string
	// Quantile is the share of operations, above 0 and at most 1, that end
	// within Max: 0.99 leaves one of a hundred free, 1 none. 0 means 1.
	Quantile float64
	// Max is how long they may take.
	Max time.Duration
	// Calm leaves out operations during which a fault may have been in force.
	Calm bool
}

// Latency decides whether operations end as soon as was promised.
//
// It reads all operations of clients. An operation that ended ok took from its
// invocation to its completion. One that failed is left out; one with an
// unknown outcome counts as taking for ever.
//
// Property: of the operations that a threshold is about at least the share
// Quantile took at most Max ("slow"). Counts have, in microseconds, the
// quantiles of those that ended ok, as in "read-us-p99". Cost: O(n log n) for
// each threshold. Unknown: there are so few operations that a single one could
// decide (fewer than 1 / (1 - Quantile)), or no thresholds. Counterexample:
// "of 1000 reads 99 % were to end within 100ms, but 25 did not; the slowest
// took 3.1s (#20)."
func Latency(thresholds ...Threshold) checkers.Checker {
	return checker{
		name: "latency", whole: true,
		judge:   func(r *report, ops []history.Operation) { judgeLatency(r, ops, thresholds) },
		lacking: "No operation has a threshold for how long it may take, or there are none.",
		sum: func(r *report) string {
			return fmt.Sprintf("Thresholds kept: %d; operations: %d.", r.counts["thresholds"], r.counts["operations"])
		},
	}
}

// A timed is an operation with how long it took.
type timed struct {
	took time.Duration
	op   history.Operation
}

const forever = time.Duration(math.MaxInt64)

func judgeLatency(r *report, ops []history.Operation, thresholds []Threshold) {
	faults := r.h.Faults()
	r.count("operations", len(ops))
	figures(r, ops)
	for _, t := range thresholds {
		if r.stopped() {
			r.doubt("Time ran out before all thresholds were judged.")
			return
		}
		r.count("thresholds", 1)
		t.judge(r, measure(ops, t, faults))
	}
}

// measure returns the operations that a threshold is about, the slowest first.
func measure(ops []history.Operation, t Threshold, faults []history.FaultWindow) []timed {
	var all []timed
	for _, o := range ops {
		if t.F != "" && o.Invoke.F != t.F || o.Type() == history.Fail {
			continue
		}
		if t.Calm && stormy(o, faults) {
			continue
		}
		took := forever
		if o.Type() == history.OK {
			took = o.End() - o.Start()
		}
		all = append(all, timed{took, o})
	}
	slices.SortStableFunc(all, func(a, b timed) int { return cmp.Compare(b.took, a.took) })
	return all
}

// stormy reports whether a fault may have been in force during an operation.
func stormy(o history.Operation, faults []history.FaultWindow) bool {
	to := o.End()
	return slices.ContainsFunc(faults, func(f history.FaultWindow) bool { return f.Covers(o.Start(), to) })
}

func (t Threshold) judge(r *report, all []timed) {
	quantile := t.Quantile
	if quantile <= 0 || quantile > 1 {
		quantile = 1
	}
	what := "operation"
	if t.F != "" {
		what = t.F
	}
	allowed := int(math.Floor(float64(len(all))*(1-quantile) + 1e-9))
	slow := 0
	for slow < len(all) && all[slow].took > t.Max {
		slow++
	}
	switch {
	case slow > allowed && (quantile == 1 || allowed > 0):
		worst := make([]history.Operation, 0, 8)
		for _, x := range all[:min(8, slow)] {
			worst = append(worst, x.op)
		}
		if r.found("slow", worst...) {
			r.tell("slow", "of %s %g %% were to end within %s, but %d did not: %s.", say.Number(len(all), what), quantile*100, t.Max, slow, slowest(all[0]))
		}
	case len(all) == 0:
		r.doubt("There is no %s to judge how long it took.", what)
	case quantile < 1 && allowed == 0:
		r.doubt("%s are too few to say what %g %% of them do.", say.Number(len(all), what), quantile*100)
	default:
		r.judged = true
	}
}

func slowest(x timed) string {
	if x.took == forever {
		return fmt.Sprintf("for one, nobody knows when it ended (#%d)", call(x.op))
	}
	return fmt.Sprintf("the slowest took %s (#%d)", say.Span(x.took), ret(x.op))
}

// figures counts the quantiles of what ended ok, by kind.
func figures(r *report, ops []history.Operation) {
	byF := make(map[string][]time.Duration)
	for _, o := range ops {
		if o.Type() == history.OK {
			byF[o.Invoke.F] = append(byF[o.Invoke.F], o.End()-o.Start())
		}
	}
	for f, took := range byF {
		slices.Sort(took)
		for _, percent := range []int{50, 95, 99, 100} {
			at := (len(took)*percent+99)/100 - 1
			r.counts[f+"-us-p"+strconv.Itoa(percent)] = took[at].Microseconds()
		}
	}
}
