package fold

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/tiny"
	"github.com/shakedown-dev/shakedown/history"
)

// makers are the checkers as the files of testdata name them.
func makers() map[string]func(d *datadriven.TestData) checkers.Checker {
	always := func(c checkers.Checker) func(*datadriven.TestData) checkers.Checker {
		return func(*datadriven.TestData) checkers.Checker { return c }
	}
	return map[string]func(d *datadriven.TestData) checkers.Checker{
		"set": always(Set()),
		"set-full": func(d *datadriven.TestData) checkers.Checker {
			return SetFull(SetFullOptions{d.HasArg("linearizable")})
		},
		"total-queue": func(d *datadriven.TestData) checkers.Checker {
			return TotalQueue(TotalQueueOptions{Once: d.HasArg("once"), FIFO: d.HasArg("fifo")})
		},
		"unique-ids": always(UniqueIDs()),
		"counter": func(d *datadriven.TestData) checkers.Checker {
			return Counter(CounterOptions{Session: d.HasArg("session"), Realtime: d.HasArg("realtime")})
		},
		"bank": func(d *datadriven.TestData) checkers.Checker {
			o := BankOptions{NegativeAllowed: d.HasArg("negative")}
			for _, arg := range d.CmdArgs {
				if n, err := strconv.ParseInt(strings.Join(arg.Vals, ""), 10, 64); err == nil {
					if o.Initial == nil {
						o.Initial = map[string]int64{}
					}
					o.Initial[arg.Key] = n
				}
			}
			return Bank(o)
		},
		"long-fork":  always(LongFork()),
		"write-skew": always(WriteSkew()),
		"monotonic": func(d *datadriven.TestData) checkers.Checker {
			return Monotonic(MonotonicOptions{d.HasArg("by-process")})
		},
		"sequential":     always(Sequential()),
		"causal":         always(Causal()),
		"causal-reverse": always(CausalReverse()),
		"leader":         func(d *datadriven.TestData) checkers.Checker { return Leader(LeaderOptions{d.HasArg("forward")}) },
		"convergence": func(d *datadriven.TestData) checkers.Checker {
			return Convergence(ConvergenceOptions{d.HasArg("unordered")})
		},
		"session": func(d *datadriven.TestData) checkers.Checker {
			var asked []Guarantee
			for _, g := range Guarantees() {
				if d.HasArg(string(g)) {
					asked = append(asked, g)
				}
			}
			return Session(asked...)
		},
		"availability": makeAvailability,
		"latency":      makeLatency,
		"log": func(d *datadriven.TestData) checkers.Checker {
			return Log(LogOptions{Rebalanced: d.HasArg("rebalanced"), WriteOrder: d.HasArg("write-order"), MaxLag: span1(d, "lag")})
		},
	}
}

func makeAvailability(d *datadriven.TestData) checkers.Checker {
	o := AvailabilityOptions{Within: span1(d, "within"), Calm: d.HasArg("calm")}
	if d.HasArg("cas-fails") {
		o.OKFails = []string{"cas"}
	}
	o.OKShare = float1(d, "share")
	return Availability(o)
}

func makeLatency(d *datadriven.TestData) checkers.Checker {
	if !d.HasArg("max") {
		return Latency()
	}
	t := Threshold{Max: span1(d, "max"), Quantile: float1(d, "quantile"), Calm: d.HasArg("calm")}
	if d.HasArg("reads") {
		t.F = fRead
	}
	return Latency(t)
}

func span1(d *datadriven.TestData, name string) time.Duration {
	for _, arg := range d.CmdArgs {
		if arg.Key == name {
			v, err := time.ParseDuration(arg.Vals[0])
			if err == nil {
				return v
			}
		}
	}
	return 0
}

func float1(d *datadriven.TestData, name string) float64 {
	for _, arg := range d.CmdArgs {
		if arg.Key == name {
			v, err := strconv.ParseFloat(arg.Vals[0], 64)
			if err == nil {
				return v
			}
		}
	}
	return 0
}

// Without this test nothing would say, in a form that one can read aloud, what
// each checker finds, and in which words. Run with -rewrite after a change, and
// read the difference.
func TestTinyHistories(t *testing.T) {
	known := makers()
	datadriven.Walk(t, "testdata/tiny", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			build, found := known[d.Cmd]
			if !found {
				d.Fatalf(t, "unknown check %q", d.Cmd)
			}
			c := build(d)
			if c.Name() != d.Cmd {
				t.Errorf("the checker's name is %q", c.Name())
			}
			h, err := tiny.Parse(d.Input)
			if err != nil {
				d.Fatalf(t, "%v", err)
			}
			result := c.Check(context.Background(), h)
			provenByFindings(t, result)
			return describe(result)
		})
	})
}

// Without this test a page could have nothing to draw of what was found, or
// draw operations that prove something else.
func provenByFindings(t *testing.T, r checkers.Result) {
	t.Helper()
	if (r.Verdict == checkers.Violation) != (len(r.Findings) > 0) {
		t.Errorf("%s is %v, with %d findings", r.Check, r.Verdict, len(r.Findings))
	}
	for _, f := range r.Findings {
		if f.Kind == "" || len(f.Says) == 0 || len(f.Events) == 0 || r.Counts[f.Kind] == 0 {
			t.Errorf("a finding without a kind, a sentence or a proof: %+v", f)
		}
		for _, e := range f.Events {
			if !slices.Contains(r.Evidence, e) {
				t.Errorf("event %d of %+v is not in the evidence", e, f)
			}
		}
	}
}

// describe writes a result with its evidence and figures.
func describe(r checkers.Result) string {
	var s strings.Builder
	fmt.Fprintln(&s, r.Verdict)
	for _, says := range r.Says {
		fmt.Fprintln(&s, says)
	}
	if len(r.Evidence) > 0 {
		fmt.Fprintf(&s, "evidence: %v\n", r.Evidence)
	}
	var counts []string
	for _, name := range slices.Sorted(maps.Keys(r.Counts)) {
		counts = append(counts, fmt.Sprintf("%s=%d", name, r.Counts[name]))
	}
	if len(counts) > 0 {
		fmt.Fprintf(&s, "counts: %s\n", strings.Join(counts, " "))
	}
	return s.String()
}

// Every file must show a checker saying each of the three verdicts.
func TestEveryVerdictIsShown(t *testing.T) {
	shown := make(map[string]map[string]bool)
	datadriven.Walk(t, "testdata/tiny", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(_ *testing.T, d *datadriven.TestData) string {
			if shown[d.Cmd] == nil {
				shown[d.Cmd] = make(map[string]bool)
			}
			verdict, _, _ := strings.Cut(d.Expected, "\n")
			shown[d.Cmd][verdict] = true
			return d.Expected
		})
	})
	for name := range makers() {
		for _, v := range []checkers.Verdict{checkers.Valid, checkers.Violation, checkers.Unknown} {
			if !shown[name][v.String()] {
				t.Errorf("no file shows %s answering %s", name, v)
			}
		}
	}
}

// A checker that ran out of time must not call a history valid.
func TestOutOfTimeIsUnknown(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	big := mutants(t, 20_000)
	for _, m := range big {
		r := m.checker.Check(ctx, m.good)
		if r.Verdict == checkers.Valid {
			t.Errorf("%s: valid without having had time: %v", m.name, r.Says)
		}
		if len(r.Says) == 0 {
			t.Errorf("%s: no reason", m.name)
		}
	}
}

// Nothing at all must be unknown to everybody.
func TestEmptyHistoryIsUnknown(t *testing.T) {
	for name, build := range makers() {
		for _, ops := range [][]history.Op{nil, {{F: "nothing", Process: 1}}} {
			r := build(&datadriven.TestData{}).Check(context.Background(), history.New(ops))
			if r.Verdict != checkers.Unknown || len(r.Says) == 0 {
				t.Errorf("%s: %v %v", name, r.Verdict, r.Says)
			}
		}
	}
}

// How many there are beside the examples stands below them, where a page tells
// them one by one, and in the text, where they are all together.
func TestTheRestIsToldBelowTheExamples(t *testing.T) {
	var ops []history.Op
	for i := range 40 { // twenty pairs of the same ID
		for _, typ := range []history.Type{history.Invoke, history.OK} {
			op := history.Op{Index: len(ops), Time: time.Duration(len(ops)), Process: i, Type: typ, F: "generate"}
			if typ == history.OK {
				op.Value = fmt.Appendf(nil, "%d", i/2)
			}
			ops = append(ops, op)
		}
	}
	r := UniqueIDs().Check(t.Context(), history.New(ops))
	provenByFindings(t, r)
	says := r.Says[len(r.Says)-1]
	if !strings.HasPrefix(says, "Of this kind (duplicate) there are ") {
		t.Fatalf("%q", r.Says)
	}
	last := r.Findings[len(r.Findings)-1]
	if last.Says[len(last.Says)-1] != says {
		t.Errorf("the last example says %q", last.Says)
	}
}
