package scenarios

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const short10s = `version: 1
name: base
x-times: &times {every: 5s, for: 1s}
system: {use: etcd, version: "3.5.21"}
phases:
  - {name: calm, for: 10s}
  - name: storm
    for: 20s
    faults:
      - {fault: kill, <<: *times}
      - {fault: pause, <<: *times}
`

// An override does what writing it into the file would do.
func TestOverride(t *testing.T) {
	for _, tt := range []struct{ name, set, old, new string }{
		{"a field", "name=other", "name: base", "name: other"},
		{"a version without quotes", "system.version=3.5.20", `"3.5.21"`, `"3.5.20"`},
		{"a version with quotes", `system.version="3.5.20"`, `"3.5.21"`, `"3.5.20"`},
		{"a version that looks like a number", "system.version=3.10", `"3.5.21"`, `"3.10"`},
		{"a number", "system.nodes=3", `{use: etcd`, `{nodes: 3, use: etcd`},
		{"by index", "phases.0.for=3s", "for: 10s", "for: 3s"},
		{"by name", "phases.storm.for=30s", "for: 20s", "for: 30s"},
		{"a section that is not there", "workload.rate=300/s", "phases:", "workload: {rate: 300/s}\nphases:"},
		{"sections in sections", "system.limits.memory=1GiB", "use: etcd", "use: etcd, limits: {memory: 1GiB}"},
		{"a mapping", "workload={rate: 300/s, keys: 2}", "phases:", "workload: {rate: 300/s, keys: 2}\nphases:"},
		{"a list", "phases.storm.faults.0.target=[n1, n2]", "{fault: kill,", "{fault: kill, target: [n1, n2],"},
		{"an equals sign in the value", "system.env.A=x=y", "use: etcd", "use: etcd, env: {A: x=y}"},
		{"only the one use of an anchor", "phases.storm.faults.1.every=7s", "fault: pause,", "fault: pause, every: 7s,"},
		{"a wrong value made right", "expect=violation", "name: base", "name: base\nexpect: violation"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			edited := strings.Replace(short10s, tt.old, tt.new, 1)
			if edited == short10s {
				t.Fatalf("%q is not in the scenario", tt.old)
			}
			want := mustParse(t, edited, nil)
			if got := mustParse(t, short10s, []string{tt.set}); got != want {
				t.Errorf("--set %s differs from the file with it (-file +set):\n%s", tt.set, cmp.Diff(want, got))
			}
			if plain := mustParse(t, short10s, nil); plain == want {
				t.Errorf("--set %s changes nothing, so this shows nothing", tt.set)
			}
		})
	}
}

// The last of two overrides of one field holds.
func TestOverridesInOrder(t *testing.T) {
	got := mustParse(t, short10s, []string{"system.nodes=3", "name=x", "system.nodes=4"})
	if want := mustParse(t, short10s, []string{"name=x", "system.nodes=4"}); got != want {
		t.Errorf("(-want +got):\n%s", cmp.Diff(want, got))
	}
}

// An override can mend what is wrong in the file.
func TestOverrideReplacesAMistake(t *testing.T) {
	mustParse(t, strings.Replace(short10s, "for: 20s", "for: 20", 1), []string{"phases.storm.for=20s"})
}

func mustParse(t *testing.T, src string, sets []string) string {
	t.Helper()
	s, err := ParseWith("base.yaml", []byte(src), testRecipes(t), sets)
	if err != nil {
		t.Fatalf("\n%v", err)
	}
	got, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

// What is wrong with an override is said of the override.
func TestBadOverride(t *testing.T) {
	for _, tt := range []struct{ set, want string }{
		{"system.nodes", "--set:1:1: an override is a path, an equals sign and a value; write as in --set system.nodes=3"},
		{"=3", "--set:1:1: an override is a path"},
		{"a=b\nc: d", "--set:1:1: an override is a path"},
		{"name=\xff", "--set:1:1: an override is a path"},
		{"system.nodes=", "--set:1:14: nothing stands after the equals sign"},
		{"system.env={a", "--set:1:12: the value is not YAML"},
		{"name=*nobody", "--set:1:6: the value is not YAML"},
		{"name=a: b: c", "--set:1:6: the value is not YAML"},
		{"system.nodes=three", `--set:1:14: system.nodes: "three" is not a whole number`},
		{"system.nodez=3", `--set:1:8: system.nodez: unknown field "nodez"; did you mean "nodes"?`},
		{"sytem.nodes=3", `--set:1:1: sytem: unknown field "sytem"; did you mean "system"?`},
		{"client.uze=etcd", `--set:1:8: client.uze: unknown field "uze"; did you mean "use"?`},
		{"phases.2.for=3s", `--set:1:8: there is no "2" here; in a list, write the index from 0 to 1, or the name of an element`},
		{"phases.strom.for=3s", `--set:1:8: there is no "strom" here`},
		{"phases.5=3s", `--set:1:8: there is no "5" here`},
		{"name.first=x", `--set:1:6: there is no "first" here; a single value has no parts`},
		{"name.first.second=x", `--set:1:6: there is no "first" here`},
		{"phases.storm.for=5", "--set:1:18: phases[1].for: 5 has no unit"},
		{"system={use: etcd, nodes: -1}", "--set:1:27: system.nodes: -1 is out of range"},
		{"name=größe", `--set:1:6: name: "größe" is not a name`},
		{"système.nodes=x", "--set:1:1: système: unknown field"},
	} {
		t.Run(tt.set, func(t *testing.T) {
			_, err := ParseWith("base.yaml", []byte(short10s), testRecipes(t), []string{tt.set})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got  %v\nwant %s", err, tt.want)
			}
			if ds := err.(Diagnostics); len(ds) > 1 && ds[0].Path == "--set" {
				t.Errorf("findings in the file come first:\n%v", err)
			}
		})
	}
}
