package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/report"
	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/runner"
)

// planDiff compares two plans: seed, operations, the scenario field by field,
// and the faults one by one.
func planDiff(a, b *runner.Plan) []report.ComparedRow {
	var out []report.ComparedRow
	add := func(name, x, y string) {
		out = append(out, report.ComparedRow{Name: name, A: x, B: y, Differs: x != y})
	}
	add("seed", fmt.Sprint(a.Seed), fmt.Sprint(b.Seed))
	add("planned operations", operationsOf(a), operationsOf(b))
	addMaps(add, fieldsOf(a.Scenario), fieldsOf(b.Scenario))
	addMaps(add, faultsOf(a), faultsOf(b))
	return out
}

func operationsOf(p *runner.Plan) string {
	n := 0
	for _, c := range p.Clients {
		n += len(c.Operations)
	}
	return fmt.Sprintf("%d by %s", n, countOf(len(p.Clients), "client"))
}

// addMaps compares two maps, in order of their names.
func addMaps(add func(name, x, y string), a, b map[string]string) {
	names := maps.Clone(a)
	maps.Copy(names, b)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		add(name, a[name], b[name])
	}
}

// fieldsOf are the fields of a scenario by their paths.
func fieldsOf(scenario any) map[string]string {
	out := map[string]string{}
	text, err := json.Marshal(scenario)
	if err != nil {
		return out
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) == nil {
		flatten(out, "", v)
	}
	return out
}

func flatten(out map[string]string, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, e := range v {
			flatten(out, strings.TrimPrefix(path+"."+name, "."), e)
		}
	case []any:
		for i, e := range v {
			flatten(out, fmt.Sprintf("%s[%d]", path, i), e)
		}
	default:
		out[path] = fmt.Sprint(v)
	}
}

// faultsOf are the planned faults by their ids, each in a few words.
func faultsOf(p *runner.Plan) map[string]string {
	out := map[string]string{}
	for _, f := range p.Faults {
		out["fault "+f.ID] = faultWords(f)
	}
	return out
}

func faultWords(f nemesis.Injection) string {
	return strings.Join(strings.Fields(fmt.Sprintf("%s %s at %s for %s", f.Fault, plannedWhat(f.Shape, f.Target, f.Nodes), f.At, f.For)), " ")
}
