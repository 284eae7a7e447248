package scenarios

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// parsedFault parses a scenario with one fault.
func parsedFault(t *testing.T, system, options string) (*Scenario, error) {
	t.Helper()
	src := "version: 1\nname: x\nsystem: " + system + "\n" +
		"phases: [{name: a, for: 10s, faults: [{at: 1s, for: 1s, " + options + "}]}]\n"
	return Parse("x.yaml", []byte(src), testRecipes(t))
}

func TestRollingFaults(t *testing.T) {
	s, err := parsedFault(t, `{use: etcd, version: "3.4.13", versions: {n2: "3.5.21"}}`, `fault: rolling, to: "3.6.1", target: [n1, n3]`)
	if err != nil {
		t.Fatal(err)
	}
	f := s.Phases[0].Faults[0]
	if f.Rolling.Version != "3.6.1" || f.Rolling.Within != defaultTurn || f.Target != "n1,n3" || s.System.Versions["n2"] != "3.5.21" {
		t.Errorf("got %+v, %+v", f.Rolling, s.System.Versions)
	}
	if diff := cmp.Diff([]string{"3.5.21", "3.6.1"}, s.System.VersionNames()); diff != "" {
		t.Error(diff)
	}
	if b := s.System.Builds["3.6.1"]; b == nil || b.ModuleVersion != "v3.6.1" {
		t.Errorf("3.6.1 is made by %+v", b)
	}
	s, err = parsedFault(t, "{use: etcd}", "fault: rolling")
	if err != nil || s.Phases[0].Faults[0].Target != "all" || len(s.System.Builds) != 0 {
		t.Errorf("a restart: %+v, %v", s, err)
	}
}

func TestCustomFaults(t *testing.T) {
	s, err := parsedFault(t, "{use: etcd}", "fault: custom, target: leader, timeout: 2s, "+
		`inject: {run: [touch, "/data/{name}"]}, verify: {url: "http://{ip}:1/x", says: "{name}"}, `+
		"heal: {run: [rm, x], on: orchestrator}")
	if err != nil {
		t.Fatal(err)
	}
	c := s.Phases[0].Faults[0].Custom
	want := Custom{
		Inject: Step{Run: []string{"touch", "/data/{name}"}, On: "node"},
		Verify: Step{Method: "GET", URL: "http://{ip}:1/x", Says: "{name}"},
		Heal:   Step{Run: []string{"rm", "x"}, On: "orchestrator"}, Within: 2e9,
	}
	if diff := cmp.Diff(want, *c); diff != "" {
		t.Error(diff)
	}
	s, err = parsedFault(t, "{use: etcd}", "fault: custom, failpoint: {name: a/beforeCommit, term: sleep(100), port: 99}")
	if err != nil {
		t.Fatal(err)
	}
	c = s.Phases[0].Faults[0].Custom
	want = Custom{
		Inject: Step{Method: "PUT", URL: "http://{ip}:99/a/beforeCommit", Body: "sleep(100)"},
		Verify: Step{Method: "GET", URL: "http://{ip}:99/", Says: "a/beforeCommit=sleep(100)"},
		Heal:   Step{Method: "DELETE", URL: "http://{ip}:99/a/beforeCommit"},
		Gone:   &Step{Method: "GET", URL: "http://{ip}:99/", SaysNot: "a/beforeCommit=sleep(100)"}, Within: defaultStep,
	}
	if diff := cmp.Diff(want, *c); diff != "" {
		t.Error(diff)
	}
}

func TestBadFaultsOfTheCluster(t *testing.T) {
	ok := "{run: [true]}"
	for _, c := range []struct{ system, options, want string }{
		{"{use: etcd}", `fault: rolling, to: "9.9.9"`, "no recipe for version"},
		{"{use: abd}", `fault: rolling, to: "2"`, "abd has no versions"},
		{"{use: db}", `fault: rolling, to: "17"`, "db has one version"},
		{`{use: etcd, versions: {n9: "3.5.21"}}`, "fault: kill", "there is no node n9"},
		{`{use: etcd, versions: {n1: 3.5}}`, "fault: kill", "not quoted"},
		{"{use: abd}", "fault: membership", "cannot add and remove members"},
		{"{use: etcd, nodes: 2}", "fault: membership", "of 2 nodes none can go"},
		{"{use: etcd}", "fault: membership, target: majority", "fewer than a quorum"},
		{"{use: etcd}", "fault: custom", `"inject" is missing`},
		{"{use: etcd}", "fault: custom, inject: " + ok + ", verify: " + ok, `"heal" is missing`},
		{"{use: etcd}", "fault: custom, heal: " + ok + ", verify: " + ok + ", inject: {}", "a step is a command or an HTTP call"},
		{"{use: etcd}", "fault: custom, heal: " + ok + ", verify: " + ok + ", inject: {run: rm -rf}", "a command is a list"},
		{"{use: etcd}", "fault: custom, heal: " + ok + ", verify: " + ok + ", inject: {run: [rm], body: x}", "body belongs to a step with url"},
		{"{use: etcd}", "fault: custom, heal: " + ok + ", verify: " + ok + ", inject: {url: 'ftp://x', on: node}", "not the address of an HTTP call"},
		{"{use: etcd}", "fault: custom, heal: " + ok + ", verify: " + ok + ", inject: {run: ['{what}']}", "unknown placeholder {what}"},
		{"{use: etcd}", "fault: custom, failpoint: {name: a b, term: x}", "not the name of a failpoint"},
		{"{use: etcd}", "fault: custom, heal: " + ok + ", failpoint: {name: a, term: x}", "a failpoint has its own heal"},
	} {
		if _, err := parsedFault(t, c.system, c.options); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %s: got %v, want %q", c.system, c.options, err, c.want)
		}
	}
}
