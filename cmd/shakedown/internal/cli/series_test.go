package cli

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/scenarios"
)

// ranLike is a run of a system's version that came to a verdict.
func ranLike(version, verdict string, code int) ran {
	return ran{id: "x", verdict: verdict, code: code, job: job{set: []string{"system.version=" + version},
		scenario: &scenarios.Scenario{Name: "storm", System: scenarios.System{Use: "etcd", Version: version}}}}
}

func many(n int, did ran) (out []ran) {
	for range n {
		out = append(out, did)
	}
	return out
}

// One code for many runs, and the counts by which a reader understands it.
func TestSeries(t *testing.T) {
	all := append(many(3, ranLike("1", "violation", exitViolation)), ranLike("1", "valid", exitExpected))
	all = append(all, ranLike("2", "valid", exitExpected), ranLike("2", "unknown", exitUnknown), ranLike("2", "", exitEnvironment))
	lines := linesOf(all)
	if len(lines) != 2 {
		t.Fatalf("%d lines", len(lines))
	}
	a, b := lines[0], lines[1]
	if a.Violations != 3 || a.Valid != 1 || a.Rate != 0.75 || a.Exit != exitViolation || len(a.IDs) != 4 {
		t.Errorf("first line %+v", *a)
	}
	if b.Valid != 1 || b.Unknown != 1 || b.Failed != 1 || b.Exit != exitEnvironment || b.Runs != 3 {
		t.Errorf("second line %+v", *b)
	}
	if got := worst(codesOf(all)...); got != exitViolation {
		t.Errorf("exit %d", got)
	}
	if got := a.rate(); got != "violation in 3 of 4 runs, 75 % (30–95 %)" {
		t.Errorf("rate %q", got)
	}
}

func TestContrast(t *testing.T) {
	line := func(version string, violations, valid int) *seriesLine {
		all := append(many(violations, ranLike(version, "violation", 1)), many(valid, ranLike(version, "valid", 0))...)
		if len(all) == 0 {
			all = many(1, ranLike(version, "unknown", 2))
		}
		return linesOf(all)[0]
	}
	for _, test := range []struct {
		before, after *seriesLine
		want          string
	}{
		{line("1", 9, 0), line("2", 0, 9), "fails on the old, passes on the new: etcd 1, etcd 2"},
		{line("1", 1, 0), line("2", 0, 1), "fails on the old, passes on the new: etcd 1, etcd 2; so few runs could also differ by chance: more with --times"},
		{line("1", 0, 9), line("2", 9, 0), "passes on the old, fails on the new: etcd 1, etcd 2"},
		{line("1", 1, 3), line("2", 2, 2), "fails on both: etcd 1, etcd 2"},
		{line("1", 0, 3), line("2", 0, 2), "passes on both: etcd 1, etcd 2"},
		{line("1", 0, 0), line("2", 0, 2), "not enough runs could be judged to say what the settings change"},
	} {
		if got := contrast(test.before, test.after); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
	same := contrast(line("1", 9, 0), &seriesLine{System: "etcd 1", Set: []string{"system.nodes=3"}, Valid: 9, High: 0.3})
	if !strings.Contains(same, "as it was, with system.nodes=3") {
		t.Errorf("got %q", same)
	}
}

// Published values of Wilson's interval, and that it covers what it promises.
func TestInterval(t *testing.T) {
	for _, test := range []struct {
		k, n      int
		low, high float64
	}{{0, 0, 0, 1}, {0, 10, 0, 0.2775}, {10, 10, 0.7225, 1}, {5, 10, 0.2366, 0.7634}, {1, 1, 0.2065, 1}} {
		low, high := interval(test.k, test.n)
		if math.Abs(low-test.low) > 1e-3 || math.Abs(high-test.high) > 1e-3 {
			t.Errorf("%d of %d: %.4f to %.4f, want %.4f to %.4f", test.k, test.n, low, high, test.low, test.high)
		}
	}
	chance := rand.New(rand.NewPCG(1, 2))
	covered := 0
	const trials = 4000
	for range trials {
		p, k := chance.Float64(), 0
		for range 20 {
			if chance.Float64() < p {
				k++
			}
		}
		if low, high := interval(k, 20); low <= p && p <= high {
			covered++
		}
	}
	if share := float64(covered) / trials; share < 0.93 || share > 0.97 {
		t.Errorf("it covers %.3f of the time, want 0.95", share)
	}
}

func TestRounds(t *testing.T) {
	for _, test := range []struct {
		f    runFlags
		want int
	}{{runFlags{}, 1}, {runFlags{times: 3}, 3}, {runFlags{until: "violation"}, mostRuns}, {runFlags{until: "violation", times: 5}, 5}} {
		if got := test.f.rounds(); got != test.want {
			t.Errorf("%+v: %d rounds, want %d", test.f, got, test.want)
		}
	}
}

// Another version is the same plan; other phases are not.
func TestSamePlan(t *testing.T) {
	base := func() *scenarios.Scenario {
		return &scenarios.Scenario{System: scenarios.System{Version: "1", Nodes: 3}, Phases: []scenarios.Phase{{Name: "calm", For: time.Second}}}
	}
	other := base()
	other.System.Version, other.Expect = "2", "violation"
	if !samePlan(base(), other) {
		t.Error("another version is another plan")
	}
	for name, change := range map[string]func(*scenarios.Scenario){
		"nodes":    func(s *scenarios.Scenario) { s.System.Nodes = 5 },
		"phases":   func(s *scenarios.Scenario) { s.Phases[0].For = time.Minute },
		"workload": func(s *scenarios.Scenario) { s.Workload.Clients = 9 },
	} {
		other := base()
		if change(other); samePlan(base(), other) {
			t.Errorf("other %s are the same plan", name)
		}
	}
}

func TestUnits(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 0, "30d": 720 * time.Hour, "2w": 336 * time.Hour, "12h": 12 * time.Hour, "0.5d": 12 * time.Hour} {
		if got, err := parseAge(text); err != nil || got != want {
			t.Errorf("%q is %s (%v), want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]int64{"": 0, "5GiB": 5 << 30, "1.5 MiB": 3 << 19, "2kB": 2000} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%q is %d (%v), want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"d", "-1d", "soon", "1e9w", "0s"} {
		if _, err := parseAge(text); err == nil {
			t.Errorf("%q was taken for an age", text)
		}
	}
	for _, text := range []string{"5", "GiB", "-1GiB", "9999999TiB", "much"} {
		if _, err := parseSize(text); err == nil {
			t.Errorf("%q was taken for a size", text)
		}
	}
}
