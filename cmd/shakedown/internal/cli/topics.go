package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shakedown-dev/shakedown/checkers/catalog"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// kindField is the kind of topic of a scenario's field.
const kindField = "field"

// topics are all that can be explained, from the same tables by which scenarios
// are read, checks are made and the program exits.
func (r *root) topics() ([]topic, error) {
	recipes, err := r.recipes()
	if err != nil {
		return nil, err
	}
	fields := scenarios.Fields(recipes)
	var all []topic
	for _, v := range scenarios.Names(recipes) {
		if v.Title == "checks" {
			continue // the catalog knows more about them
		}
		for _, w := range v.Words {
			t := topic{Kind: singular(v.Title), Name: w.Name, Says: sentence(w.Means)}
			if v.Title == "faults" {
				t.More = faultLines(fields, w.Name)
			}
			all = append(all, t)
		}
	}
	all = append(all, checkTopics()...)
	all = append(all, fieldTopics(fields)...)
	for _, e := range exitMeanings() {
		for _, code := range []int{e.code, e.also} {
			if code == e.code || code != 0 {
				all = append(all, topic{Kind: "exit code", Name: fmt.Sprint(code), Says: sentence(e.means)})
			}
		}
	}
	all = append(all, topic{Kind: "verdict", Name: "valid", Says: "Nothing that the checks look for went wrong, and the test was a real one."},
		topic{Kind: "verdict", Name: "violation", Says: "A check found what must not happen, and shows the operations that prove it."},
		topic{Kind: "verdict", Name: "unknown", Says: "Nothing was found, but something could not be judged, or the pass was not earned; the reasons are told."})
	for _, f := range store.Files() {
		all = append(all, topic{Kind: "file of a run", Name: f.Name, Says: f.Says})
	}
	return all, nil
}

func singular(title string) string { return strings.TrimSuffix(title, "s") }

// sentence is text as a sentence.
func sentence(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}

// faultLines are the options of a fault, and a line of a scenario with it.
func faultLines(fields scenarios.Field, fault string) []string {
	lines := []string{"As in - {" + scenarios.Example(fault) + ", every: 15s, for: 5s}"}
	fields.Walk("", func(_ string, f scenarios.Field) {
		for _, c := range f.Fields {
			if slices.Contains(f.Kinds[fault], c.Name) && c.Name != "name" && c.Name != "fault" {
				lines = append(lines, fmt.Sprintf("%-10s %s", c.Name, fieldSays(c)))
			}
		}
	})
	return lines
}

// fieldSays is what a field means and can be, on one line.
func fieldSays(f scenarios.Field) string {
	says := f.Says + " " + fieldForm(f)
	if f.Default != "" {
		says += " Left out: " + f.Default + "."
	}
	return strings.TrimSpace(says)
}

// fieldForm is what a field can be.
func fieldForm(f scenarios.Field) string {
	switch f.Form {
	case scenarios.FormInteger:
		return fmt.Sprintf("A whole number from %d to %d.", f.Min, f.Max)
	case scenarios.FormWord:
		var words []string
		for _, w := range f.Words {
			words = append(words, w.Name)
		}
		return "One of " + strings.Join(words, ", ") + "."
	case scenarios.FormText, scenarios.FormMapping, scenarios.FormEither, scenarios.FormAny:
		return ""
	}
	return sentence(string(f.Form))
}

func fieldTopics(fields scenarios.Field) []topic {
	var all []topic
	seen := map[string]bool{}
	fields.Walk("", func(path string, f scenarios.Field) {
		if path == "" || strings.HasSuffix(path, "[]") || seen[path] {
			return
		}
		seen[path] = true
		t := topic{Kind: kindField, Name: path, Says: fieldSays(f)}
		if f.Needed {
			t.More = append(t.More, "It must be there.")
		}
		inside := f
		if f.Form == scenarios.FormList {
			inside = *f.Item
		}
		for _, c := range inside.Fields {
			if c.Name != "" {
				t.More = append(t.More, fmt.Sprintf("%-22s %s", c.Name, c.Says))
			}
		}
		for _, w := range f.Words {
			if w.Means != "" {
				t.More = append(t.More, fmt.Sprintf("%-22s %s", w.Name, strings.Join(strings.Fields(w.Means), " ")))
			}
		}
		all = append(all, t)
	})
	return all
}

func checkTopics() []topic {
	var all []topic
	for _, k := range catalog.Names() {
		t := topic{Kind: "check", Name: k.Name, Says: sentence(k.Says)}
		if len(k.Models) > 0 {
			t.More = append(t.More, "models: "+strings.Join(k.Models, ", "))
		}
		if len(k.Levels) > 0 {
			t.More = append(t.More, "isolation: "+strings.Join(k.Levels, ", "))
		}
		for _, o := range k.Options {
			t.More = append(t.More, fmt.Sprintf("%-22s %s", o.Name, o.Says))
		}
		all = append(all, t)
	}
	return all
}
