package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func stormy(t *testing.T, storm string, nodes int, phase time.Duration, system string) (Phase, error) {
	t.Helper()
	src := fmt.Sprintf("version: 1\nname: x\nsystem: {%s, nodes: %d}\nphases: [{name: storm, for: %s, storm: %s, faults: [{fault: kill, at: 1s, for: 1s}]}]\n",
		system, nodes, phase, storm)
	s, err := Parse("x.yaml", []byte(src), testRecipes(t))
	if err != nil {
		return Phase{}, err
	}
	return s.Phases[0], nil
}

// Every storm fits into every phase and on every number of nodes: each fault
// comes at least once, lasts a while, and is over in time; and no two that stop
// a node's process are in force at a time, however long the phase.
func TestStormsFit(t *testing.T) {
	for _, storm := range names(Storms()) {
		for _, nodes := range []int{1, 2, 3, 5, 7} {
			for _, phase := range []time.Duration{12 * time.Second, 17 * time.Second, time.Minute, time.Hour} {
				p, err := stormy(t, storm, nodes, phase, "use: etcd")
				if err != nil {
					t.Fatalf("%s of %s on %d nodes: %v", storm, phase, nodes, err)
				}
				faults := p.Faults[:len(p.Faults)-1] // the last is the phase's own
				if len(faults) == 0 || p.Storm != storm {
					t.Errorf("%s on %d nodes is empty: %+v", storm, nodes, p)
				}
				for i, f := range faults {
					if f.comes(phase) < 1 || f.For < time.Second || f.Name == "" {
						t.Errorf("%s of %s on %d nodes: %+v", storm, phase, nodes, f)
					}
					for _, o := range faults[:i] {
						stop := func(f Fault) bool { return slices.Contains([]string{"kill", "pause", "disk"}, f.Fault) }
						if stop(f) && stop(o) && *f.At < *o.At+o.For && *o.At < *f.At+f.For {
							t.Errorf("%s of %s: %s and %s stop nodes at a time", storm, phase, f.Name, o.Name)
						}
					}
				}
			}
		}
	}
}

func TestStormsThatDoNotFit(t *testing.T) {
	for storm, want := range map[string]string{"gentle": "a storm takes 12s at least, and the phase has 9s", "tornado": `unknown storm "tornado"`} {
		if _, err := stormy(t, storm, 5, 9*time.Second, "use: etcd"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", storm, err)
		}
	}
	if text := ExplainStorms(); !strings.Contains(text, "hurricane: ") || !strings.Contains(text, "at 16s") {
		t.Errorf("they are explained as\n%s", text)
	}
}
