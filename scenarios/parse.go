package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Recipes are the kinds of systems that `system.use` can name, by name.
type Recipes map[string]*Recipe

// Parse reads a scenario and fills in every default. path is only for the
// findings. The error is [Diagnostics], with all findings at once.
func Parse(path string, src []byte, recipes Recipes) (*Scenario, error) {
	return ParseWith(path, src, recipes, nil)
}

// ParseWith is [Parse] with overrides, each "path=value": the dotted path of a
// field, as in "system.version=3.5.20" or "phases.1.for=10s", and its value in
// YAML. A list is entered by index from 0, or by the name of an element, as in
// "phases.storm.for=10s". A field that is not there is added. Findings about
// an override have the Path "--set" and the override for an excerpt.
func ParseWith(path string, src []byte, recipes Recipes, sets []string) (*Scenario, error) {
	return ParseJudged(path, src, recipes, sets, nil)
}

// ParseJudged is [ParseWith] with a judge of the rules under never:, whose
// findings are among the others. Without one they are only read.
func ParseJudged(path string, src []byte, recipes Recipes, sets []string, judge Judge) (*Scenario, error) {
	d, root := load(path, src)
	if root != nil {
		for _, set := range sets {
			d.override(root, set)
		}
	}
	var out *Scenario
	if root != nil {
		out = readScenario(value{d, root, ""}, recipes, judge)
	}
	if err := d.err(); err != nil {
		return nil, err
	}
	return out, nil
}

// err is all findings in the order of their places, or nil if there are none.
func (d *document) err() error {
	if len(d.found) == 0 {
		return nil
	}
	slices.SortStableFunc(d.found, func(a, b Diagnostic) int {
		return cmp.Or(-cmp.Compare(boolInt(a.Path == d.file.path), boolInt(b.Path == d.file.path)),
			cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if d.more > 0 {
		last := d.found[len(d.found)-1]
		d.found = append(d.found, Diagnostic{Path: d.file.path, Line: last.Line, Column: last.Column,
			Message: fmt.Sprintf("and %d more findings", d.more), Hint: "mend these first"})
	}
	return d.found
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// readScenario reads the whole document. What depends on something else is
// read after it, wherever it stands in the file.
func readScenario(v value, recipes Recipes, judge Judge) *Scenario {
	if !isScenario(v) {
		return nil
	}
	s := v.section("version", "name", "about", "tags", "system", "client", "workload",
		"phases", "settle", "checks", "never", "stop", "earned", "expect", "matrix") // the matrix is for [Rows]
	out := &Scenario{Expect: "valid"}
	readHead(s, out)
	var recipe *Recipe
	if s.need("system", "say what runs on the nodes: system: {use: etcd, nodes: 5}") {
		out.System, recipe = readSystem(s.fields["system"], recipes)
		v.d.recipe = recipe
	}
	out.Client = readClient(s, out.System, recipe)
	out.Workload = readWorkload(s, out)
	out.Phases = readPhases(s, out)
	out.Settle = readSettle(s)
	out.Checks = readChecks(s, out.Workload)
	out.Never = readNever(s, judge)
	readStop(s, out)
	out.Earned = readEarned(s, out)
	s.word("expect", "outcome", &out.Expect, []string{"valid", "violation"})
	return out
}

// isScenario reports a document that is YAML only by accident, such as prose.
func isScenario(v value) bool {
	const hint = "a scenario begins with version: 1"
	switch {
	case !v.isMapping():
		v.reportf(hint, "expected a scenario, got %s", kindOf(v.node))
	case len(v.node.Content) == 0:
		v.report("the scenario is empty", hint)
	default:
		return true
	}
	return false
}

func readHead(s section, out *Scenario) {
	if s.need("version", "begin the file with version: 1") {
		v := s.fields["version"]
		if n, ok := v.integer(0, 1<<30); ok && n != 1 {
			v.reportf("write version: 1", "there is no version %d of the scenario format", n)
		}
	}
	if s.need("name", "as in name: my-first-storm") {
		s.name("name", &out.Name)
	}
	s.text("about", &out.About)
	out.About = strings.TrimSpace(out.About)
	if tags, ok := s.fields["tags"]; ok {
		items, _ := tags.items("names")
		for _, item := range items {
			if tag, ok := item.name(); ok {
				out.Tags = append(out.Tags, tag)
			}
		}
	}
}
