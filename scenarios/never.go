package scenarios

import (
	"slices"
	"time"
)

// A Never is a rule of the user's own: what must never happen. Exactly one of
// Where, Spec, Use and Run says what is judged.
type Never struct {
	Name string `json:"name"`
	// Says is the rule in a sentence, Origin where it comes from: a
	// postmortem, a ticket, an address.
	Says   string `json:"says,omitempty"`
	Origin string `json:"origin,omitempty"`
	// Where is an expression that is true where the rule is broken.
	Where string `json:"where,omitempty"`
	// Spec is a file of rules beside the scenario, of which the one called
	// Name is meant. Source is what was in it, for the rule to stay as it was.
	Spec   string `json:"spec,omitempty"`
	Source string `json:"source,omitempty"`
	// Use is the name of a rule that comes with the program.
	Use string `json:"use,omitempty"`
	// Run is a program and its arguments, and Folder where it runs.
	Run    []string `json:"run,omitempty"`
	Folder string   `json:"folder,omitempty"`
	// Timeout bounds the check.
	Timeout time.Duration `json:"timeout_ns,omitempty"`
}

// A Judge tells whether a rule can be judged: what is wrong with it and what to
// do about that, or two empty strings. It fills in Source and Folder.
type Judge func(*Never) (message, hint string)

// maxRun is how many words a command may have.
const maxRun = 100

// readNever reads the rules. judge may be nil: then only their form is looked at.
func readNever(root section, judge Judge) []Never {
	var out []Never
	if v, ok := root.fields["never"]; ok {
		items, _ := v.items("rules")
		for _, item := range items {
			out = append(out, readRule(item, judge, out))
		}
	}
	return out
}

// ways are the fields of which each rule has one.
func ways() []string { return []string{"where", "spec", "use", "run"} }

func readRule(v value, judge Judge, before []Never) Never {
	n := Never{Timeout: defaultCheckTimeout}
	s := v.section("name", "says", "origin", "where", "spec", "use", "run", "timeout")
	if !v.isMapping() {
		return n
	}
	named := s.need("name", "as in name: nobody-reads-99")
	s.name("name", &n.Name)
	s.text("says", &n.Says)
	s.text("origin", &n.Origin)
	s.text("where", &n.Where)
	s.text("spec", &n.Spec)
	s.name("use", &n.Use)
	read(s, "run", &n.Run, func(v value) ([]string, bool) { return v.texts("words of a command") })
	if run, ok := s.fields["run"]; ok && run.isList() && (len(run.node.Content) == 0 || len(run.node.Content) > maxRun) {
		run.report("a command has a program and at most 99 arguments", "as in run: [python3, check.py]")
	}
	s.duration("timeout", &n.Timeout, minTime, maxCheckTimeout)
	if named {
		unlike(s.fields["name"], n.Name, before)
	}
	if how := oneWay(s); how != "" && n.Name != "" && s.whole(how, n) && judge != nil {
		if message, hint := judge(&n); message != "" {
			s.fields[how].report(message, hint)
		}
	}
	return n
}

// whole says whether the way to judge the rule could be read.
func (s section) whole(how string, n Never) bool {
	return map[string]bool{"where": n.Where != "", "spec": n.Spec != "", "use": n.Use != "", "run": len(n.Run) > 0}[how]
}

// oneWay is the field that says what is judged, "" if there is not exactly one.
func oneWay(s section) string {
	given := slices.DeleteFunc(ways(), func(key string) bool { return !s.has(key) })
	switch len(given) {
	case 0:
		s.reportf(`as in where: op.f == "read" and op.value == 99`, "the rule does not say what must never happen: one of %s is missing", orList(ways()))
	case 1:
		return given[0]
	default:
		s.at(given[1]).reportf("make two rules of it", "a rule has one of %s, and this one has %s", andList(ways()), andList(given))
	}
	return ""
}

// unlike reports a name under which another verdict is written.
func unlike(v value, name string, before []Never) {
	if slices.ContainsFunc(before, func(n Never) bool { return n.Name == name && name != "" }) {
		v.reportf("name it by what must not happen", "there already is a rule called %s", name)
	}
	if contains(append(names(Checks()), "stats", "earned"), name) {
		v.reportf("name it by what must not happen", "%s is the name of a check", name)
	}
}

// readStop reads whether the storm ends when a rule is broken. At the end is
// when it ends by itself, and is not written down.
func readStop(root section, sc *Scenario) {
	const early = "on-violation"
	stop := ""
	root.word("stop", "moment", &stop, []string{early, "at-end"})
	if stop != early {
		return
	}
	sc.Stop = early
	if !root.has("never") {
		root.at("stop").report("no rule is watched, so nothing could stop the run", "add rules under never:, or leave it out")
	}
}
