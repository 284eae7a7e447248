package runner

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/scenarios"
)

func encoded(t testing.TB, s *scenarios.Scenario, seed uint64) []byte {
	t.Helper()
	p, err := Compile(s, seed)
	if err != nil {
		t.Fatal(err)
	}
	data, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSameSeedSamePlan(t *testing.T) {
	one, again, other := encoded(t, stormy(), 1), encoded(t, stormy(), 1), encoded(t, stormy(), 2)
	if !bytes.Equal(one, again) {
		t.Error("the same seed gave two plans")
	}
	if bytes.Equal(one, other) {
		t.Error("two seeds gave one plan")
	}
}

func TestPlanSurvivesItsFile(t *testing.T) {
	p, err := Compile(stormy(), 3)
	if err != nil {
		t.Fatal(err)
	}
	data, _ := p.Encode()
	back, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, back); diff != "" {
		t.Errorf("the plan read back differs (-made +read):\n%s", diff)
	}
}

// To judge a run, its plan is read without what its clients were to do.
func TestOutlineIsThePlanWithoutOperations(t *testing.T) {
	p, err := Compile(stormy(), 3)
	if err != nil {
		t.Fatal(err)
	}
	data, _ := p.Encode()
	var compact bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		t.Fatal(err)
	}
	p.Forget()
	for _, text := range [][]byte{data, compact.Bytes()} {
		back, err := DecodeOutline(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, back); diff != "" {
			t.Errorf("the outline differs (-plan +outline):\n%s", diff)
		}
	}
}

// A run folder of an older program can still be judged.
func TestDecodeReadsFormat1(t *testing.T) {
	const old = `{"format": 1, "seed": 18446744073709551615, "scenario": {"name": "s", "phases": [{"name": "storm", "for_ns": 9, "faults": [
		{"name": "p", "fault": "partition", "shape": "one", "target": "leader", "every_ns": 4, "for_ns": 1},
		{"name": "c", "fault": "clock", "skew_ns": -7, "at_ns": 0, "for_ns": 1},
		{"name": "l", "fault": "latency", "delay_ns": 3, "direction": "in", "for_ns": 1},
		{"name": "k", "fault": "kill", "target": "one", "for_ns": 1}]}]}}`
	p, err := Decode([]byte(old))
	if err != nil {
		t.Fatal(err)
	}
	f := p.Scenario.Phases[0].Faults
	if p.Seed != math.MaxUint64 || f[0].Partition.Shape != "one" || f[0].Every != 4 || f[1].Clock.Skew != -7 || f[2].Latency.Delay != 3 || f[3].Target != "one" {
		t.Errorf("read as %+v", f)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"another format":   `{"format": 3}`,
		"an unknown field": `{"format": 2, "sneed": 4}`,
		"an old one's":     `{"format": 1, "sneed": 4}`,
		"half a plan":      `{"format": 2, "seed"`,
		"half a list":      `{"format": 2, "clients": [{"operations": [{}`,
		"no list":          `{"format": 2, "clients": [{"operations": 3}]}`,
		"no operation":     `{"format": 2, "clients": [{"operations": [{]}]}`,
		"two plans":        `{"format": 2}{"format": 2}`,
	} {
		if _, err := Decode([]byte(text)); err == nil {
			t.Errorf("%s was read", name)
		}
		if _, err := DecodeOutline(strings.NewReader(text)); err == nil {
			t.Errorf("the outline of %s was read", name)
		}
	}
}

// A scenario's faults draw from streams of their own: one more fault leaves
// the times and shapes of the others alone.
func TestOneMoreFaultLeavesTheOthers(t *testing.T) {
	more := stormy()
	more.Phases[1].Faults = append(more.Phases[1].Faults,
		scenarios.Fault{Name: "second", Fault: "partition", Partition: &scenarios.Partition{Shape: "halves"}, When: every(7*time.Second, time.Second)})
	a, _ := Compile(stormy(), 9)
	b, _ := Compile(more, 9)
	left := slices.DeleteFunc(slices.Clone(b.Faults), func(in nemesis.Injection) bool { return strings.Contains(in.ID, "second") })
	if diff := cmp.Diff(a.Faults, left); diff != "" {
		t.Errorf("the other faults changed (-before +after):\n%s", diff)
	}
	if len(b.Faults) == len(a.Faults) {
		t.Error("the second partition is not in the plan")
	}
}

// Whatever the scenario, faults lie in their phase, IDs are unique, and two
// faults with random targets do not meet on a node while there is room.
func TestPlansAreSane(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := stormy()
		s.Workload.RatePerSecond = 5
		storm := &s.Phases[1]
		storm.Faults = nil
		for _, name := range []string{"a", "b"} {
			storm.Faults = append(storm.Faults, scenarios.Fault{
				Name: name, Fault: rapid.SampledFrom([]string{"kill", "pause", "clock"}).Draw(t, "fault"), Target: "one", Clock: &scenarios.Clock{Skew: time.Second},
				When: every(time.Duration(rapid.IntRange(1, 12).Draw(t, "every"))*time.Second, time.Second),
			})
		}
		p, err := Compile(s, rapid.Uint64().Draw(t, "seed"))
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for i, in := range p.Faults {
			if seen[in.ID] || in.At < 2*time.Second || in.At+in.For > p.Span() {
				t.Fatalf("%s from %s for %s (seen before: %v)", in.ID, in.At, in.For, seen[in.ID])
			}
			seen[in.ID] = true
			for _, other := range p.Faults[:i] {
				overlap := other.At < in.At+in.For && in.At < other.At+other.For
				if overlap && slices.Equal(in.Nodes, other.Nodes) {
					t.Fatalf("%s and %s meet on %s", other.ID, in.ID, in.Nodes)
				}
			}
		}
	})
}

// "any" takes every shape before it takes one again.
func TestAnyShapeTakesEachInTurn(t *testing.T) {
	p, _ := Compile(stormy(), 4)
	var shapes []string
	for _, in := range p.Faults {
		if in.Fault == "partition" {
			shapes = append(shapes, strings.TrimSuffix(strings.TrimSuffix(in.Shape, "-in"), "-out"))
		}
	}
	first := slices.Clone(shapes[:5])
	slices.Sort(first)
	want := slices.Clone(nemesis.Shapes())
	slices.Sort(want)
	if !slices.Equal(first, want) {
		t.Errorf("the first five shapes are %v", first)
	}
}

func TestTimelineReadsAloud(t *testing.T) {
	p, _ := Compile(stormy(), 7)
	golden := filepath.Join("testdata", "timeline.txt")
	got := p.Timeline()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("timeline (-want +got), UPDATE=1 rewrites it:\n%s", diff)
	}
}

// A target among several is drawn as often as its weight says.
func TestWeightsAreKept(t *testing.T) {
	s := stormy()
	s.Phases[1].For, s.Workload.RatePerSecond = 1000*time.Second, 1
	s.Phases[1].Faults = []scenarios.Fault{{Name: "p", Fault: "pause", When: every(time.Second, 100*time.Millisecond),
		Weights: []scenarios.Weight{{Target: "one", Weight: 3}, {Target: "leader", Weight: 2}, {Target: "minority", Weight: 1}}}}
	p, err := Compile(s, 3)
	if err != nil {
		t.Fatal(err)
	}
	drawn := map[string]int{}
	for _, in := range p.Faults {
		drawn[in.Target]++
		if want := map[string]int{"one": 1, "leader": 0, "minority": 2}[in.Target]; len(in.Nodes) != want {
			t.Fatalf("%s has nodes %v", in.Target, in.Nodes)
		}
	}
	for target, share := range map[string]int{"one": 500, "leader": 333, "minority": 167} {
		if n := drawn[target]; n < share-60 || n > share+60 {
			t.Errorf("%s was drawn %d times of 1000, want about %d", target, n, share)
		}
	}
}

// What another fault hits is in the plan where the plan can know it, even if
// both come at the same moment, whichever stands first.
func TestSameAsIsPlanned(t *testing.T) {
	s := stormy()
	s.Phases[1].Faults = []scenarios.Fault{
		{Name: "b", Fault: "clock", Clock: &scenarios.Clock{Skew: time.Second}, Target: "same as storm/a", When: every(9*time.Second, time.Second)},
		{Name: "c", Fault: "partition", Partition: &scenarios.Partition{Shape: "one"}, Target: "same as storm/d", When: every(9*time.Second, time.Second)},
		{Name: "a", Fault: "kill", Target: "minority", When: every(9*time.Second, time.Second)},
		{Name: "d", Fault: "pause", Target: "leader", When: every(9*time.Second, time.Second)},
	}
	p, err := Compile(s, 3)
	if err != nil {
		t.Fatal(err)
	}
	last := map[string][]string{}
	for _, in := range p.Faults {
		last[in.Line()] = in.Nodes
		switch in.Line() {
		case "storm/b":
			if len(in.Nodes) != 2 || !slices.Equal(in.Nodes, last["storm/a"]) {
				t.Errorf("%s hits %v, %v was killed", in.ID, in.Nodes, last["storm/a"])
			}
		case "storm/c":
			if len(in.Nodes) != 0 || len(in.Cuts) != 0 {
				t.Errorf("%s knows whom the leader's pause will hit: %v", in.ID, in.Nodes)
			}
		}
	}
	early := time.Second
	s.Phases[1].Faults[0].When = scenarios.When{At: &early, For: time.Second}
	if _, err := Compile(s, 3); err == nil || !strings.Contains(err.Error(), "comes only later") {
		t.Errorf("a fault that hits what one hits later: %v", err)
	}
}
