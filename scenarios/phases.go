package scenarios

import (
	"fmt"
	"slices"
	"time"
)

// Bounds of phases and faults.
const (
	maxPhase = 7 * 24 * time.Hour
	// maxInjections is how often one line of a scenario may be carried out.
	maxInjections = 10_000
	maxPhases     = 1000
	// maxFaults is how many lines a phase may have; every pair of them is
	// compared.
	maxFaults = 200
	// maxAllInjections is how many faults a plan may hold, as maxPlanned is for
	// operations.
	maxAllInjections = 100_000
)

// reservedPhases are the phases that the runner adds by itself.
func reservedPhases() []string {
	return []string{"heal", "settle", "final-reads", "end"}
}

func readPhases(root section, sc *Scenario) []Phase {
	if !root.need("phases", "say what happens: phases: [{name: storm, for: 60s, faults: [{fault: kill, target: one, every: 15s, for: 5s}]}]") {
		return nil
	}
	v := root.fields["phases"]
	items, ok := v.items("phases")
	if ok && len(items) == 0 {
		v.report("there are no phases", "add one, as in - {name: calm, for: 10s}")
	}
	if len(items) > maxPhases {
		v.reportf(fmt.Sprintf("at most %d", maxPhases), "%d phases are too many", len(items))
		return nil
	}
	var out []Phase
	var total time.Duration
	for _, item := range items {
		p := readPhase(item, sc, out)
		out = append(out, p)
		total += p.For
	}
	checkTotal(v, total, sc.Workload)
	checkInjections(v, out)
	return out
}

// checkInjections keeps the plan to a number of faults that can be handled.
func checkInjections(v value, phases []Phase) {
	all := 0
	for _, p := range phases {
		for _, f := range p.Faults {
			all += f.comes(p.For)
		}
	}
	if all > maxAllInjections {
		v.reportf(fmt.Sprintf("at most %d in all", maxAllInjections), "%d faults are more than a plan can hold", all)
	}
}

// checkTotal keeps the plan to a size that can be handled.
func checkTotal(v value, total time.Duration, w Workload) {
	if total > maxPhase {
		v.reportf("at most "+short(maxPhase)+" in all", "the phases take %s", short(total))
		return
	}
	if n := total.Seconds() * w.RatePerSecond; n > maxPlanned {
		v.reportf("lower the rate, or shorten the phases", "%.0f operations are more than a plan can hold", n)
	}
}

func readPhase(v value, sc *Scenario, before []Phase) Phase {
	var p Phase
	s := v.section("name", "for", "storm", "faults")
	if s.need("name", "name it, as in name: storm") {
		s.name("name", &p.Name)
	}
	if slices.Contains(reservedPhases(), p.Name) {
		s.at("name").reportf("take another name", "%q is the name of a phase that every run has", p.Name)
	}
	if slices.ContainsFunc(before, func(o Phase) bool { return o.Name == p.Name && p.Name != "" }) {
		s.at("name").reportf("take another name", "there are two phases %q", p.Name)
	}
	if s.need("for", "say how long it lasts, as in for: 60s") {
		s.duration("for", &p.For, minTime, maxPhase)
	}
	readStorm(s, &p, sc)
	if faults, ok := s.fields["faults"]; ok {
		items, _ := faults.items("faults")
		if len(items) > maxFaults {
			faults.reportf(fmt.Sprintf("at most %d", maxFaults), "%d faults in a phase are too many", len(items))
			items = nil
		}
		for _, item := range items {
			p.Faults = append(p.Faults, readFault(item, sc, p))
		}
		nameFaults(p.Faults)
		bindFaults(items, &p, before)
	}
	nameFaults(p.Faults)
	return p
}
