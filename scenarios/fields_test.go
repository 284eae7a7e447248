package scenarios

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

// sections are the fields that the loader takes in each mapping of the
// examples, by place.
func sections(t *testing.T) map[string][]string {
	t.Helper()
	files := append(glob(t, "testdata/valid-*.yaml", 1), glob(t, "*.yaml", 1)...)
	out := map[string][]string{}
	index := regexp.MustCompile(`\[\d+\]`)
	for _, file := range files {
		d, root := load(file, readFile(t, file))
		d.sections = map[string][]string{}
		readScenario(value{d, root, ""}, testRecipes(t), nil)
		for where, known := range d.sections {
			out[index.ReplaceAllString(where, "[]")] = known
		}
	}
	return out
}

// What is explained must be what is read: no field more, none less, and each
// with a sentence.
func TestFieldsAreThoseOfTheLoader(t *testing.T) {
	read := sections(t)
	explained := map[string][]string{}
	Fields(testRecipes(t)).Walk("", func(path string, f Field) {
		if f.Form == FormMapping {
			var known []string
			for _, c := range f.Fields {
				known = append(known, c.Name)
				if c.Says == "" {
					t.Errorf("%s.%s is not explained", path, c.Name)
				}
			}
			explained[path] = known
		}
	})
	for where, known := range read {
		if where == "workload.mix" || where == "client.operations" {
			continue // which of them there are depends on the workload; see below
		}
		want, got := slices.Sorted(slices.Values(known)), slices.Sorted(slices.Values(explained[where]))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-read +explained):\n%s", where, diff)
		}
	}
	if diff := cmp.Diff(operationNames(), explained["client.operations"]); diff != "" {
		t.Errorf("operations (-read +explained):\n%s", diff)
	}
	for where := range explained {
		if _, ok := read[where]; !ok && !strings.HasPrefix(where, "client.operations.") {
			t.Errorf("%s is explained, and no example has it", where)
		}
	}
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := json.Marshal(Schema(testRecipes(t)))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("scenario.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("scenario.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asJSON is a YAML document as a validator wants it; false if it is none.
func asJSON(t *testing.T, src []byte) (any, bool) {
	t.Helper()
	var v any
	if yaml.Unmarshal(src, &v) != nil {
		return nil, false
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, false
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	return doc, err == nil
}

// beyondSchema are the mistakes that only the loader finds: those about the
// relation of fields, about what is in a text, and about YAML itself.
func beyondSchema() []string {
	return []string{
		"alias", "client-http-operations", "client-no-cas", "hosts-none", "hosts-ssh", "lock-checks", "client-no-use", "client-none", "client-read", "earned-unreachable", "engines-nodes", "host-clock-docker", "latency-1-node", "no-writes", "phases-none", "phases-too-long",
		"plan-too-large", "rate-too-high", "targets-1-node", "targets-2-nodes", "too-many-faults", "too-many-injections", "too-many-phases",
		"version-needless", "version-no-line", "version-odd", "version-unlisted", "version-unquoted", "weak-checks", "workload-3",
	}
}

// An editor must not complain about what the loader takes, and should about
// what it refuses.
func TestSchemaAndLoaderAgree(t *testing.T) {
	s := compiled(t)
	for _, file := range append(glob(t, "testdata/valid-*.yaml", 1), glob(t, "*.yaml", 1)...) {
		doc, ok := asJSON(t, readFile(t, file))
		if !ok {
			t.Errorf("%s cannot be decoded", file)
			continue
		}
		if err := s.Validate(doc); err != nil {
			t.Errorf("%s: the loader takes it, and the schema does not: %v", file, err)
		}
	}
	var missed []string
	for _, file := range glob(t, "testdata/invalid-*.yaml", 1) {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "invalid-"), ".yaml")
		doc, ok := asJSON(t, readFile(t, file))
		if ok && s.Validate(doc) == nil {
			missed = append(missed, name)
		}
	}
	for _, name := range missed {
		if !slices.Contains(beyondSchema(), name) {
			t.Errorf("invalid-%s: the loader refuses it, and the schema does not", name)
		}
	}
	for _, name := range beyondSchema() {
		if !slices.Contains(missed, name) {
			t.Errorf("invalid-%s: the schema refuses it, so it is not beyond it", name)
		}
	}
}

// The schema is one for editors, and no field of it is without a word.
func TestSchemaDescribes(t *testing.T) {
	s := Schema(testRecipes(t))
	properties := s["properties"].(map[string]any)
	for name, p := range properties {
		if p.(map[string]any)["description"] == nil {
			t.Errorf("%s is not described", name)
		}
	}
	if s["$schema"] != "http://json-schema.org/draft-07/schema#" {
		t.Errorf("the schema is of %v", s["$schema"])
	}
}
