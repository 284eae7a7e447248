package scenarios

import (
	"fmt"
	"slices"
	"time"
)

// Bounds of phases and faults.
const (
	maxPhase = 7 * 24 * time.Hour
	// maxOffset bounds skew and jump: 100 years, within which a clock that
	// counts nanoseconds in 64 bits does not overflow.
	maxOffset = 100 * 365 * 24 * time.Hour
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
			all += comes(f, p.For)
		}
	}
	if all > maxAllInjections {
		v.reportf(fmt.Sprintf("at most %d in all", maxAllInjections), "%d faults are more than a plan can hold", all)
	}
}

// comes is how often a fault comes in a phase, if it can be told.
func comes(f Fault, phase time.Duration) int {
	first := f.Every
	if f.At != nil {
		first = *f.At
	}
	if f.For <= 0 || first+f.For > phase {
		return 0
	}
	if f.Every <= 0 {
		return 1
	}
	return int((phase-f.For-first)/f.Every) + 1
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
	s := v.section("name", "for", "faults")
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
	if faults, ok := s.fields["faults"]; ok {
		items, _ := faults.items("faults")
		if len(items) > maxFaults {
			faults.reportf(fmt.Sprintf("at most %d", maxFaults), "%d faults in a phase are too many", len(items))
			items = nil
		}
		for _, item := range items {
			p.Faults = append(p.Faults, readFault(item, sc, p))
		}
	}
	nameFaults(p.Faults)
	return p
}

// nameFaults names the faults that have no name after their kind, with a
// number where that name is taken.
func nameFaults(faults []Fault) {
	taken := map[string]bool{}
	for _, f := range faults {
		taken[f.Name] = true
	}
	for i := range faults {
		f := &faults[i]
		if f.Name != "" {
			continue
		}
		f.Name = f.Fault
		for n := 2; taken[f.Name]; n++ {
			f.Name = fmt.Sprintf("%s-%d", f.Fault, n)
		}
		taken[f.Name] = true
	}
}

// faultOptions are the fields that belong to each fault, besides when.
func faultOptions() map[string][]string {
	return map[string][]string{
		"partition": {"target", "shape", "groups", "pairs"},
		"kill":      {"target"},
		"pause":     {"target"},
		"clock":     {"target", "skew", "jump"},
		"disk":      {"target", "kind", "path", "calls", "takes", "room", "lose"},
		"latency":   {"target", "pairs", "direction", "delay", "jitter", "loss", "reorder"},
	}
}

// allOptions are the options of any fault, each once, sorted.
func allOptions() []string {
	var all []string
	for _, options := range faultOptions() {
		all = append(all, options...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func readFault(v value, sc *Scenario, p Phase) Fault {
	f := Fault{Line: v.node.Line}
	s := v.section(slices.Concat([]string{"name", "fault"}, allOptions(), []string{"at", "every", "for"})...)
	if s.need("fault", "say what to do, as in fault: kill") {
		s.word("fault", "fault", &f.Fault, names(Faults()))
	}
	s.name("name", &f.Name)
	if slices.ContainsFunc(p.Faults, func(o Fault) bool { return o.Name == f.Name && f.Name != "" }) {
		s.at("name").reportf("take another name", "there are two faults %q in this phase", f.Name)
	}
	readWhom(s, &f, sc)
	readClock(s, &f)
	readDisk(s, &f, sc)
	readLatency(s, &f, sc)
	readGroups(s, &f, sc)
	readWhen(s, &f)
	for _, option := range allOptions() {
		if f.Fault != "" && s.has(option) && !slices.Contains(faultOptions()[f.Fault], option) {
			s.at(option).reportf("leave it out", "%s does not belong to the fault %s", option, f.Fault)
		}
	}
	checkWhen(s, f, p.For)
	return f
}

func readClock(s section, f *Fault) {
	for _, option := range []string{"skew", "jump"} {
		into := &f.Skew
		if option == "jump" {
			into = &f.Jump
		}
		s.duration(option, into, -maxOffset, maxOffset)
		if v, ok := s.fields[option]; ok && *into == 0 && isZero(v) {
			v.reportf("write as in "+option+": 90s", "a %s of 0 changes nothing", option)
		}
	}
	switch {
	case f.Fault != "clock":
	case s.has("skew") && s.has("jump"):
		s.at("jump").report("skew and jump are both given", "keep one, or make two faults of it")
	case !s.has("skew") && !s.has("jump"):
		s.at("fault").report("nothing says how the clock is wrong", "add skew: 90s for a clock that is off, or jump: 90s for one that leaps")
	}
}

// isZero says whether v is a good duration and 0.
func isZero(v value) bool {
	d, wrong := parseDuration(v.node.Value)
	return wrong == nil && d == 0
}

func readWhen(s section, f *Fault) {
	if v, ok := s.fields["at"]; ok {
		if at, good := v.duration(0, maxPhase); good {
			f.At = &at
		}
	}
	s.duration("every", &f.Every, minTime, maxPhase)
	if s.need("for", "say when to heal, as in for: 5s") {
		s.duration("for", &f.For, minTime, maxPhase)
	}
	if s.value.isMapping() && !s.has("at") && !s.has("every") {
		s.report("nothing says when", "add at: 10s for once, or every: 15s for again and again")
	}
}

// checkWhen reports times that cannot be kept: a fault is healed before its
// phase ends and before it comes again.
func checkWhen(s section, f Fault, phase time.Duration) {
	if f.For == 0 || s.has("at") && f.At == nil || s.has("every") && f.Every == 0 || f.At == nil && f.Every == 0 {
		return // reported
	}
	if f.Every > 0 && f.For > f.Every {
		s.at("for").reportf("make every longer, or for shorter", "it lasts %s and comes every %s", short(f.For), short(f.Every))
		return
	}
	first, key := f.Every, "every"
	if f.At != nil {
		first, key = *f.At, "at"
	}
	if phase == 0 {
		return // reported
	}
	if first+f.For > phase {
		s.at(key).reportf("shorten it, or make the phase longer",
			"it begins at %s and lasts %s, which is past the end of its phase at %s", short(first), short(f.For), short(phase))
		return
	}
	if n := comes(f, phase); n > maxInjections {
		s.at("every").reportf(fmt.Sprintf("at most %d", maxInjections), "it would come %d times", n)
	}
}
