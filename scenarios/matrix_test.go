package scenarios

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRows(t *testing.T) {
	for name, test := range map[string]struct {
		matrix string
		want   []string
		err    string
	}{
		"none":     {"", nil, ""},
		"one axis": {`matrix: {system.version: ["3.10", "3.5"]}`, []string{`system.version="3.10"`, `system.version="3.5"`}, ""},
		"two axes, the last one fastest": {"matrix:\n  system.nodes: [3, 5]\n  workload.rate: [100/s, 200/s]\n", []string{
			"system.nodes=3 workload.rate=100/s", "system.nodes=3 workload.rate=200/s", "system.nodes=5 workload.rate=100/s", "system.nodes=5 workload.rate=200/s"}, ""},
		"with exclusions": {"matrix:\n  system.nodes: [3, 5]\n  system.version: [\"1\", \"2\"]\n  exclude: [{system.nodes: 3, system.version: \"1\"}, {system.version: \"2\"}]\n", []string{
			`system.nodes=5 system.version="1"`}, ""},
		"larger values":      {"matrix: {tags: [[a, b]], workload.mix: [{read: 1, write: 1}]}", []string{"tags=[a, b] workload.mix={read: 1, write: 1}"}, ""},
		"all excluded":       {"matrix:\n  system.nodes: [3]\n  exclude: [{system.nodes: 3}]\n", nil, "everything is excluded"},
		"excludes another":   {"matrix:\n  system.nodes: [3]\n  exclude: [{system.node: 3}]\n", nil, `names "system.node", which is none`},
		"no list":            {"matrix: {system.nodes: 3}", nil, "expected a list of values"},
		"no values":          {"matrix: {system.nodes: []}", nil, "there are no values"},
		"no fields":          {"matrix: {}", nil, "the matrix has no fields"},
		"no mapping":         {"matrix: [3]", nil, "a mapping of fields"},
		"too many":           {"matrix: {a: [" + strings.Repeat("1, ", 20) + "1], b: [" + strings.Repeat("1, ", 20) + "1]}", nil, "441 combinations are too many runs"},
		"mistakes of others": {"version: 1\n\tname: a", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			rows, err := Rows("x.yaml", []byte("name: x\n"+test.matrix))
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) || !strings.Contains(err.Error(), "x.yaml:") {
					t.Fatalf("got %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, row := range rows {
				got = append(got, strings.Join(row, " "))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What a row says must be what the file said: text stays text.
func TestRowsAreTaken(t *testing.T) {
	src := `version: 1
name: x
system: {image: "a:1", command: [x], nodes: 3, ports: {client: 1}}
client: {use: http, operations: {read: {method: GET, path: "/{key}"}, write: {method: PUT, path: "/{key}", body: "{value}"}}}
phases: [{name: calm, for: 10s}]
matrix:
  system.image: ["b:2", 'c:3']
  phases.calm.for: [20s]
`
	rows, err := Rows("x.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range rows {
		s, err := ParseWith("x.yaml", []byte(src), nil, row)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, s.System.Image+" "+s.Phases[0].For.String())
	}
	if diff := cmp.Diff([]string{"b:2 20s", "c:3 20s"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
