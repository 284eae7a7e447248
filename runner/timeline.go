package runner

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis"
)

// Timeline shows the plan to a person: phases and faults in the order of
// time, one a line, and what the clients will do in numbers.
func (p *Plan) Timeline() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  seed %d\n%s\n\n", p.Scenario.Name, p.Seed, p.summary())
	next := 0
	for _, phase := range p.Phases {
		fmt.Fprintf(&b, "%s  phase %s for %s\n", stamp(phase.At), phase.Name, phase.For)
		for next < len(p.Faults) && p.Faults[next].At < phase.At+phase.For {
			b.WriteString(faultLine(p.Faults[next], p.Nodes))
			next++
		}
	}
	fmt.Fprintf(&b, "%s  heal everything, settle within %s, read %d keys from each of %d nodes\n",
		stamp(p.Span()), p.Scenario.Settle.HealthyWithin, len(p.FinalReads), len(p.Nodes))
	return b.String()
}

func (p *Plan) summary() string {
	counts := map[string]int{}
	total := 0
	for _, c := range p.Clients {
		for _, o := range c.Operations {
			counts[o.F]++
			total++
		}
	}
	mix := ""
	for _, f := range inMix(counts) {
		mix += fmt.Sprintf(", %d %s", counts[f], f)
	}
	load := "closed loop, at most"
	if p.Scenario.Workload.RatePerSecond > 0 {
		load = fmt.Sprintf("open load of %g/s,", p.Scenario.Workload.RatePerSecond)
	}
	return fmt.Sprintf("%d nodes, %d clients, %s %d operations%s over %d keys, %d faults",
		len(p.Nodes), len(p.Clients), load, total, mix, len(p.FinalReads), len(p.Faults))
}

// inMix are the names of operations: reads and writes first, as in a register.
func inMix(counts map[string]int) []string {
	known := []string{"read", "write", "cas"}
	names := slices.Sorted(maps.Keys(counts))
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Compare(uint(slices.Index(known, a)), uint(slices.Index(known, b)))
	})
	return names
}

func faultLine(in nemesis.Injection, nodes []string) string {
	when := ""
	if in.Trigger != nil {
		when = fmt.Sprintf(", %s, until %s", in.Trigger, stamp(in.Trigger.Until))
	}
	return fmt.Sprintf("%s    %-24s for %-5s %s%s\n", stamp(in.At), in.ID, in.For, nemesis.Foretell(in, nodes), when)
}

// stamp writes a time of the run as minutes, seconds and tenths.
func stamp(d time.Duration) string {
	d = d.Round(100 * time.Millisecond)
	return fmt.Sprintf("%02d:%04.1f", int(d.Minutes()), (d % time.Minute).Seconds())
}
