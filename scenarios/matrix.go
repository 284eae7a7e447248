package scenarios

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxRows is how many runs a matrix may make.
const maxRows = 200

// Rows are the settings, as for --set, by which a scenario's matrix multiplies
// it: one list for each combination of its values that is not excluded, in the
// order of the file. A scenario without a matrix has none. Mistakes that are not
// about the matrix are left to [ParseJudged].
func Rows(path string, src []byte) ([][]string, error) {
	d, node := load(path, src)
	if node == nil || node.Kind != yaml.MappingNode || get(node, "matrix") == nil {
		return nil, nil
	}
	d.found = nil
	rows := readMatrix(value{d, get(node, "matrix"), "matrix"})
	if err := d.err(); err != nil {
		return nil, err
	}
	return rows, nil
}

// An axis is a field of the scenario and the values that it takes in turn.
type axis struct {
	path   string
	values []string // as YAML in one line
}

// readMatrix reads the axes and leaves out what is excluded.
func readMatrix(v value) [][]string {
	pairs, ok := v.pairs("a mapping of fields to lists of values, as in system.version: [\"3.5.21\"]")
	if !ok {
		return nil
	}
	var axes []axis
	var excluded []map[string]string
	for _, p := range pairs {
		if p.key.node.Value == "exclude" {
			excluded = readExcluded(p.value)
			continue
		}
		axes = append(axes, readAxis(p))
	}
	if len(axes) == 0 {
		v.report("the matrix has no fields", "add one, as in system.version: [\"3.5.21\", \"3.6.16\"]")
		return nil
	}
	rows := combine(v, axes)
	for i, e := range excluded {
		for name := range e {
			if !slices.ContainsFunc(axes, func(a axis) bool { return a.path == name }) {
				v.reportf("name only fields of the matrix", "exclude[%d] names %q, which is none", i, name)
			}
		}
	}
	rows = slices.DeleteFunc(rows, func(row []string) bool {
		return slices.ContainsFunc(excluded, func(e map[string]string) bool { return covers(e, row) })
	})
	if len(rows) == 0 {
		v.report("everything is excluded", "leave something to run")
	}
	return rows
}

func readAxis(p pair) axis {
	a := axis{path: p.key.node.Value}
	items, ok := p.value.items("values")
	if ok && len(items) == 0 {
		p.value.report("there are no values", "add one")
	}
	for _, item := range items {
		a.values = append(a.values, flow(item))
	}
	return a
}

// combine multiplies the axes, the last one fastest.
func combine(v value, axes []axis) [][]string {
	rows := [][]string{nil}
	for _, a := range axes {
		var next [][]string
		for _, row := range rows {
			for _, val := range a.values {
				next = append(next, append(slices.Clone(row), a.path+"="+val))
			}
		}
		if rows = next; len(rows) > maxRows {
			v.reportf(fmt.Sprintf("at most %d", maxRows), "%d combinations are too many runs", len(rows))
			return nil
		}
	}
	return rows
}

func readExcluded(v value) []map[string]string {
	items, _ := v.items("combinations")
	var out []map[string]string
	for _, item := range items {
		pairs, _ := item.pairs("a mapping of fields to values")
		one := map[string]string{}
		for _, p := range pairs {
			one[p.key.node.Value] = flow(p.value)
		}
		if len(one) > 0 {
			out = append(out, one)
		}
	}
	return out
}

// covers tells whether a row has all the values of an exclusion.
func covers(e map[string]string, row []string) bool {
	for name, val := range e {
		if !slices.Contains(row, name+"="+val) {
			return false
		}
	}
	return true
}

// flow is a value as YAML on one line: what was quoted stays text.
func flow(v value) string {
	switch v.node.Kind {
	case yaml.ScalarNode:
		if v.node.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0 && !strings.ContainsAny(v.node.Value, ":#{}[],&*!|>'\"%@`\n") {
			return v.node.Value
		}
		quoted, err := json.Marshal(v.node.Value)
		if err != nil {
			return v.node.Value
		}
		return string(quoted)
	case yaml.SequenceNode:
		var all []string
		for _, c := range v.node.Content {
			all = append(all, flow(value{v.d, c, v.where}))
		}
		return "[" + strings.Join(all, ", ") + "]"
	case yaml.MappingNode:
		var all []string
		for i := 0; i+1 < len(v.node.Content); i += 2 {
			all = append(all, v.node.Content[i].Value+": "+flow(value{v.d, v.node.Content[i+1], v.where}))
		}
		return "{" + strings.Join(all, ", ") + "}"
	}
	v.reportf("", "expected a value, got %s", kindOf(v.node))
	return "null"
}
