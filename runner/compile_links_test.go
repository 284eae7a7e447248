package runner

import (
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// What the scenario says of links is in the plan, and in its timeline.
func TestPlanOfLinks(t *testing.T) {
	at := time.Second
	for name, c := range map[string]struct {
		fault scenarios.Fault
		cuts  int
		says  string
	}{
		"groups": {scenarios.Fault{Fault: "partition", Partition: &scenarios.Partition{Groups: [][]string{{"n1", "n2"}, {"n3"}}}}, 4, "groups: n1 n2 | n3, all reach n4 n5"},
		"pairs":  {scenarios.Fault{Fault: "partition", Partition: &scenarios.Partition{Pairs: [][2]string{{"n1", "n2"}}}}, 1, "pairs: n2 hears only n3 n4 n5"},
		"named": {scenarios.Fault{Fault: "latency", Target: "n2", Latency: &scenarios.Latency{Direction: "out", Delay: at}}, 4,
			"packets delayed by 1s: n2 → n1 n3 n4 n5"},
		"slow pairs": {scenarios.Fault{Fault: "latency", Latency: &scenarios.Latency{Pairs: [][2]string{{"n1", "n2"}}, Loss: 0.5}}, 1, "packets 50% lost: n1 → n2"},
		"leader":     {scenarios.Fault{Fault: "latency", Target: "leader", Latency: &scenarios.Latency{Direction: "in", Delay: at}}, 0, "packets delayed by 1s in of the leader"},
	} {
		s := stormy()
		c.fault.Name, c.fault.At, c.fault.For = "links", &at, time.Second
		s.Phases[1].Faults = []scenarios.Fault{c.fault}
		p, err := Compile(s, 1)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if in := p.Faults[0]; len(in.Cuts) != c.cuts || (in.Slowdown != nil) != (in.Fault == nemesis.FaultLatency) {
			t.Errorf("%s: %+v", name, in)
		}
		if text := p.Timeline(); !strings.Contains(text, c.says) {
			t.Errorf("%s: %q is not in\n%s", name, c.says, text)
		}
	}
}
