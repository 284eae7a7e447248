package etcd

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// fiveNodes are n1 to n5, whose member ids are 1 to 5 in these tests.
func fiveNodes() []client.Node {
	return []client.Node{{Name: "n1"}, {Name: "n2"}, {Name: "n3"}, {Name: "n4"}, {Name: "n5"}}
}

// says is what the node with the given id says: who leads in which term.
func says(id, leader, term uint64) testimony {
	return testimony{node: fiveNodes()[id-1].Name, member: id, leader: leader, term: term}
}

// silent is a node that could not be asked.
func silent(id uint64) testimony {
	return testimony{node: fiveNodes()[id-1].Name, err: errors.New(fiveNodes()[id-1].Name + " is silent")}
}

func TestElect(t *testing.T) {
	for _, c := range []struct {
		about   string
		heard   []testimony
		want    string
		settled bool
		err     string
	}{
		{"all agree", []testimony{says(1, 2, 3), says(2, 2, 3), says(3, 2, 3), says(4, 2, 3), says(5, 2, 3)}, "n2", true, ""},
		{"three of five are enough", []testimony{says(1, 2, 3), says(2, 2, 3), says(3, 2, 3)}, "n2", true, ""},
		{"two of five are a hint", []testimony{says(1, 2, 3), says(2, 2, 3)}, "n2", false, ""},
		{"one of five is a hint", []testimony{says(2, 2, 3)}, "n2", false, ""},
		{"a deposed leader in a minority", []testimony{says(1, 1, 3), says(2, 1, 3), says(3, 4, 5), says(4, 4, 5), says(5, 4, 5)}, "n4", true, ""},
		{"a deposed leader that was heard last", []testimony{says(4, 4, 5), says(3, 4, 5), says(1, 1, 3), says(2, 1, 3)}, "n4", false, ""},
		{"more nodes have not heard of the new leader", []testimony{says(1, 1, 3), says(2, 1, 3), says(3, 1, 3), says(4, 4, 5)}, "n4", false, ""},
		{"a candidate in a higher term", []testimony{says(1, 2, 3), says(2, 2, 3), says(3, 2, 3), says(5, 0, 99)}, "n2", true, ""},
		{"two are silent", []testimony{silent(1), says(2, 2, 3), says(3, 2, 3), says(4, 2, 3), silent(5)}, "n2", true, ""},
		{"the leader is silent and was never heard", []testimony{silent(2), says(1, 2, 3), says(3, 2, 3), says(4, 2, 3)}, "", false, "member 2"},
		{"nobody knows", []testimony{says(1, 0, 7), silent(2), says(3, 0, 7)}, "", false, "n2 is silent"},
		{"nobody knows, with the term", []testimony{says(1, 0, 7)}, "", false, "n1 knows no leader in term 7"},
		{"nobody was asked", nil, "", false, "no leader"},
	} {
		name, settled, err := New(scenarios.Client{}, scenarios.Workload{}).elect(c.heard, fiveNodes())
		if name != c.want || settled != c.settled || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %q, settled %v, %v", c.about, name, settled, err)
		}
	}
}

// TestElectRemembers: a leader that is silent now can be named if it was heard
// before, but not if it is none of the nodes asked for.
func TestElectRemembers(t *testing.T) {
	s := New(scenarios.Client{}, scenarios.Workload{})
	if _, _, err := s.elect([]testimony{says(2, 2, 3)}, fiveNodes()); err != nil {
		t.Fatal(err)
	}
	later := []testimony{says(1, 2, 3), silent(2), says(3, 2, 3), says(4, 2, 3)}
	if name, settled, err := s.elect(later, fiveNodes()); name != "n2" || !settled || err != nil {
		t.Errorf("%q, settled %v, %v", name, settled, err)
	}
	if name, _, err := s.elect(later, fiveNodes()[2:]); name != "" || err == nil {
		t.Errorf("%q, which nobody asked for, leads; %v", name, err)
	}
}

// TestElectSettledStays: what is settled is what the answers of all nodes give,
// as long as nobody leads in a term that only a minority knows of.
func TestElectSettledStays(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		leaders := rapid.Permutation([]uint64{1, 2, 3, 4, 5}).Draw(rt, "leaders by term")
		var heard []testimony
		for id := range uint64(5) {
			term := rapid.Uint64Range(0, 1).Draw(rt, "term")
			heard = append(heard, says(id+1, leaders[term], term))
		}
		heard = rapid.Permutation(heard).Draw(rt, "order")
		s := New(scenarios.Client{}, scenarios.Workload{})
		final, _, err := s.elect(heard, fiveNodes())
		if err != nil {
			rt.Fatal(err)
		}
		newest := 0
		for _, h := range heard {
			newest += int(h.term)
		}
		for n := range heard {
			name, settled, _ := s.elect(heard[:n], fiveNodes())
			if settled && name != final && newest > 2 {
				rt.Fatalf("%s is settled after %d answers, and %s after all: %+v", name, n, final, heard)
			}
		}
	})
}
