package runner

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// A said fake runs commands on its nodes: what a store with a command line would
// say of its members.
type said struct {
	*fake
	members []string
	deaf    string // a node on which no command can be run
	ran     []string
}

func (s *said) Exec(_ context.Context, node string, command []string) (string, error) {
	if node == s.deaf {
		return "", fmt.Errorf("%s is down", node)
	}
	s.ran = append(s.ran, node+": "+strings.Join(command, " "))
	switch command[1] {
	case "list":
		return strings.Join(s.members, "\n"), nil
	case "remove":
		s.members = slices.DeleteFunc(s.members, func(m string) bool { return m == command[2] })
	case "add":
		s.members = append(s.members, command[2])
	}
	return "", nil
}

// Members come and go by the commands of the scenario, through whichever other
// node can carry them out.
func TestMembersAsTheScenarioSays(t *testing.T) {
	s := &said{fake: newFake(3), members: []string{"n1", "n2", "n3"}, deaf: "n1"}
	on := func(where string, words ...string) scenarios.Step {
		return scenarios.Step{Run: append([]string{"/ctl"}, words...), On: where}
	}
	list := on("other", "list")
	list.Says = "{name}"
	add, join := on("other", "add", "{name}"), on("node", "join", "{via}", "{via_ip}")
	h := hurtable{Cluster: s, system: s.fake, members: &scenarios.Membership{Member: list, Remove: on("other", "remove", "{name}"), Add: &add, Join: &join}}
	for _, n := range s.names {
		h.nodes = append(h.nodes, client.Node{Name: n, IP: s.Address(n)})
	}
	is := func(want string) {
		t.Helper()
		if got, err := h.Members(t.Context(), nil); strings.Join(got, " ") != want || err != nil {
			t.Errorf("members are %v, %v; want %s", got, err, want)
		}
	}
	is("n1 n2 n3")
	if err := h.RemoveMember(t.Context(), "n3"); err != nil {
		t.Error(err)
	}
	is("n1 n2")
	s.ran = nil
	if err := h.AddMember(t.Context(), "n3"); err != nil {
		t.Error(err)
	}
	if err := h.JoinMember(t.Context(), "n3"); err != nil {
		t.Error(err)
	}
	if got := strings.Join(s.ran, ", "); got != "n2: /ctl add n3, n3: /ctl join n1 192.0.2.1" {
		t.Errorf("ran %s", got)
	}
	is("n1 n2 n3")
	h.nodes = h.nodes[:1]
	if _, err := h.Members(t.Context(), nil); err != nil {
		t.Error("the only node needs nobody to tell it:", err)
	}
	if err := h.RemoveMember(t.Context(), "n1"); err == nil || !strings.Contains(err.Error(), "no other node could do it") {
		t.Error("nobody else is there:", err)
	}
}
