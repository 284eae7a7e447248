package scenarios

import (
	"fmt"
	"slices"
)

// A Fault is one line of a phase: what is done to whom, and when. What belongs
// to one kind of fault only is in the struct of that kind.
type Fault struct {
	// Name tells it from others of its kind; the default is Fault, made
	// unique with -2, -3, ….
	Name  string `json:"name"`
	Fault string `json:"fault"` // partition, kill, pause, clock, latency, …
	// Target is one, minority, minority-third, majority, all, leader,
	// followers, names of nodes joined with commas, or "same as" and the line
	// of another fault, as in "same as storm/kill"; empty where the kind has
	// another way to say it, or Weights say it.
	Target string `json:"target,omitempty"`
	// Weights are targets of which one is drawn each time.
	Weights []Weight `json:"weights,omitempty"`

	// Of links between nodes.
	Partition   *Partition   `json:"partition,omitempty"`
	Latency     *Latency     `json:"latency,omitempty"`
	Connections *Connections `json:"connections,omitempty"`
	DNS         *DNS         `json:"dns,omitempty"`

	// Of a node and its processes.
	Kill      *Kill      `json:"kill,omitempty"`
	Pause     *Pause     `json:"pause,omitempty"`
	Clock     *Clock     `json:"clock,omitempty"`
	Resources *Resources `json:"resources,omitempty"`

	// Of a node's disk.
	Disk *Disk `json:"disk,omitempty"`

	// Of the cluster as it is run.
	Rolling *Rolling `json:"rolling,omitempty"`

	// Whatever the scenario says.
	Custom *Custom `json:"custom,omitempty"`

	// When it comes, and for how long.
	When
	// Place is where it stands in the file, for findings that only a plan
	// shows: a finding without its message.
	Place Diagnostic `json:"-"`
}

// A faultKind is all that this package knows about one kind of fault. Each has
// a file of its own, named after it, that ends with its entry for the table.
type faultKind struct {
	// word is its name and what it does, in a line.
	word Word
	// options are the fields that belong to it, besides name, fault and when.
	options []string
	// example is the options of a short line with it; empty where none are needed.
	example string
	// read reads the options into f and reports what is wrong with them.
	read func(s section, f *Fault, sc *Scenario)
	// words are what its options can be, for a reader; nil for none.
	words []Vocabulary
}

// faultKinds are all kinds of faults, those alike together.
func faultKinds() []faultKind {
	return []faultKind{
		// Of links between nodes.
		partitionFault(),
		latencyFault(),
		connectionsFault(),
		dnsFault(),

		// Of a node and its processes.
		killFault(),
		pauseFault(),
		clockFault(),
		resourcesFault(),

		// Of a node's disk.
		diskFault(),

		// Of the cluster as it is run.
		rollingFault(),
		membershipFault(),

		// Whatever the scenario says.
		customFault(),
	}
}

// Faults are what `fault` can be.
func Faults() []Word {
	var out []Word
	for _, k := range faultKinds() {
		out = append(out, k.word)
	}
	return out
}

// Example is a short line with the fault, without its time: "fault: kill".
func Example(fault string) string {
	k, ok := kindOfFault(fault)
	if !ok || k.example == "" {
		return "fault: " + fault
	}
	return "fault: " + fault + ", " + k.example
}

func kindOfFault(name string) (faultKind, bool) {
	kinds := faultKinds()
	i := slices.IndexFunc(kinds, func(k faultKind) bool { return k.word.Name == name })
	if i < 0 {
		return faultKind{}, false
	}
	return kinds[i], true
}

// allOptions are the options of any fault, each once, sorted.
func allOptions() []string {
	var all []string
	for _, k := range faultKinds() {
		all = append(all, k.options...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// faultFields are all fields that a fault can have.
func faultFields() []string {
	return slices.Concat([]string{"name", "fault"}, allOptions(), whenOptions())
}

func readFault(v value, sc *Scenario, p Phase) Fault {
	f := Fault{Place: v.d.place(v.node, v.where)}
	if !v.isMapping() { // Its fields are too many to be listed.
		v.reportf("write as in {fault: kill, every: 15s, for: 5s}", "expected a fault, got %s", kindOf(v.node))
		return f
	}
	s := v.section(faultFields()...)
	if s.need("fault", "say what to do, as in fault: kill") {
		s.word("fault", "fault", &f.Fault, names(Faults()))
	}
	s.name("name", &f.Name)
	if slices.ContainsFunc(p.Faults, func(o Fault) bool { return o.Name == f.Name && f.Name != "" }) {
		s.at("name").reportf("take another name", "there are two faults %q in this phase", f.Name)
	}
	if kind, ok := kindOfFault(f.Fault); ok {
		kind.read(s.only(kind.options), &f, sc)
		for _, option := range allOptions() {
			if s.has(option) && !slices.Contains(kind.options, option) {
				s.at(option).reportf("leave it out", "%s does not belong to the fault %s", option, f.Fault)
			}
		}
	}
	readWhen(s, &f.When)
	checkWhen(s, f.When, p.For)
	checkTrigger(s, f.Trigger, sc)
	return f
}

// only is the section without the fields that belong to other kinds of faults.
func (s section) only(options []string) section {
	out := section{s.value, map[string]value{}}
	for key, v := range s.fields {
		if slices.Contains(options, key) || !slices.Contains(allOptions(), key) {
			out.fields[key] = v
		}
	}
	return out
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
