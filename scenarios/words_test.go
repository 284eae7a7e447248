package scenarios

import (
	"slices"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	got := Names(testRecipes(t))
	var titles []string
	for _, v := range got {
		titles = append(titles, v.Title)
		seen := map[string]bool{}
		for _, w := range v.Words {
			if w.Name == "" || w.Means == "" || seen[w.Name] || strings.Contains(w.Means, "\n") {
				t.Errorf("%s: %+v is empty, twice, or more than a line", v.Title, w)
			}
			seen[w.Name] = true
		}
		if len(v.Words) == 0 {
			t.Errorf("no %s", v.Title)
		}
	}
	for _, want := range []string{"systems", "clients", "workloads", "faults", "targets", "shapes", "kinds of disk faults", "checks", "models"} {
		if !slices.Contains(titles, want) {
			t.Errorf("%s are not among %v", want, titles)
		}
	}
	if systems := names(got[0].Words); !slices.Equal(systems, []string{"abd", "db", "etcd", "postgres", "redis"}) {
		t.Errorf("systems are %v, want abd, db, etcd, postgres and redis, sorted", systems)
	}
}

// Every word that is listed can be written: the lists and the loader agree.
func TestEveryWordParses(t *testing.T) {
	const head = "version: 1\nname: x\nsystem: {use: etcd}\n"
	calm := "phases: [{name: a, for: 10s}]\n"
	fault := func(f string) string {
		return head + "phases: [{name: a, for: 10s, faults: [{at: 1s, for: 1s, " + f + "}]}]\n"
	}
	var sources []string
	for _, w := range Faults() {
		sources = append(sources, fault(Example(w.Name)))
	}
	for _, w := range Targets() {
		sources = append(sources, fault("fault: kill, target: "+w.Name))
	}
	for _, w := range Shapes() {
		sources = append(sources, fault("fault: partition, shape: "+w.Name))
	}
	for _, w := range Directions() {
		sources = append(sources, fault("fault: latency, loss: 1%, direction: "+w.Name))
	}
	for _, w := range Checks() {
		extra := map[string]string{"logs": ", forbid: [x]"}[w.Name]
		load := "workload: {use: " + workloadFor(w.Name) + "}\n"
		if w.Name == "causal" || w.Name == "session" {
			load = "workload: {use: register, mix: {read: 1, write: 1}}\n"
		}
		sources = append(sources, head+load+calm+"checks: [{check: "+w.Name+extra+"}]\n")
	}
	for _, w := range ruleModels() {
		sources = append(sources, head+calm+"workload: {use: lock}\nchecks: [{check: invariant, model: "+w.Name+"}]\n")
	}
	for _, w := range linearModels() {
		load := map[string]string{
			"register": "register, mix: {write: 1}", "cas-register": "register", "mutex": "lock, mix: {acquire: 1}",
			"lock": "lock, mix: {acquire: 1}", "set": "set", "counter": "counter",
		}[w.Name]
		sources = append(sources, head+calm+"workload: {use: "+load+"}\nchecks: [{check: linearizable, model: "+w.Name+"}]\n")
	}
	for _, w := range Workloads() {
		sources = append(sources, head+calm+"workload: {use: "+w.Name+"}\n")
	}
	for _, src := range sources {
		if _, err := Parse("x.yaml", []byte(src), testRecipes(t)); err != nil {
			t.Errorf("%s\n%v", src, err)
		}
	}
}

// workloadFor is a workload that the check can judge.
func workloadFor(check string) string {
	for _, k := range kinds() {
		if k.fits(check) {
			return k.Name
		}
	}
	return ""
}
