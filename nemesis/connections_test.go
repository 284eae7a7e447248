package nemesis

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// counting answers every question with a number that grows, from zero.
func counting(from int64) func(agent.Request) (agent.Reply, error) {
	return func(r agent.Request) (agent.Reply, error) {
		n := from
		from++
		return agent.Reply{Evidence: "counted", Number: n}, nil
	}
}

func cutShort(kind string, again time.Duration) Injection {
	return Injection{
		ID: "storm/connections#1", Fault: FaultConnections, At: time.Second, For: 5 * time.Second, Target: "n1", Nodes: []string{"n1"},
		Cuts: [][2]string{{"n2", "n1"}}, Connections: &Connections{Kind: kind, Again: again},
	}
}

func TestConnectionsLife(t *testing.T) {
	for _, c := range []struct {
		in   Injection
		asks string // what the agent is asked, in order, each once however often
	}{
		{cutShort(ConnectionsReset, 0), "reset-connections"},
		{cutShort(ConnectionsReset, time.Second), "reset-connections"},
		{cutShort(ConnectionsRefuse, 0), "refuse-connections refused-connections allow-connections"},
		{cutShort(ConnectionsBoth, 0), "refuse-connections reset-connections refused-connections allow-connections"},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := &bench{answer: counting(0)}
			if err := b.run(t.Context(), c.in); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(slices.Compact(slices.Clone(b.asked)), " "); got != c.asks {
				t.Errorf("%s: asked %s; want %s", c.in.Connections.Kind, got, c.asks)
			}
			if want := []string{"inject n1", "in-force n1", "heal n1", "healed n1"}; !slices.Equal(b.events, want) {
				t.Errorf("%s: %q", c.in.Connections.Kind, b.events)
			}
			if n := len(b.asked); c.in.Connections.Again > 0 && n < 5 {
				t.Errorf("reset %d times in five seconds; want it every second", n)
			}
		})
	}
}

// Nothing that is reset or refused is a fault that did not take hold.
func TestConnectionsThatThereAreNot(t *testing.T) {
	for kind, wants := range map[string]string{
		ConnectionsReset: "no connection was reset", ConnectionsRefuse: "no connection was refused", ConnectionsBoth: "no connection was reset",
	} {
		synctest.Test(t, func(t *testing.T) {
			b := &bench{answer: func(agent.Request) (agent.Reply, error) { return agent.Reply{}, nil }}
			if err := b.run(t.Context(), cutShort(kind, 0)); err != nil {
				t.Fatal(err)
			}
			if len(b.events) != 4 || !strings.Contains(b.events[1], "failed n1 "+wants) {
				t.Errorf("%s: %q; want it to have failed: %s", kind, b.events, wants)
			}
		})
	}
}

// What was refused is allowed again even if the reset failed.
func TestConnectionsThatFailAreHealed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{answer: func(r agent.Request) (agent.Reply, error) {
			if r.Do == agent.ResetConnections {
				return agent.Reply{}, errors.New("no")
			}
			return agent.Reply{}, nil
		}}
		if err := b.run(context.Background(), cutShort(ConnectionsBoth, 0)); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(b.asked, agent.AllowConnections) {
			t.Errorf("asked %v", b.asked)
		}
	})
}

func TestConnectionWays(t *testing.T) {
	all := names(3)
	for want, in := range map[string]Injection{
		"n1 → n2 n3; n2 → n1; n3 → n1": {Direction: DirectionBoth, Nodes: []string{"n1"}},
		"n2 → n1; n3 → n1":             {Direction: DirectionIn, Nodes: []string{"n1"}},
		"clients → n1 n3":              {Clients: true, Nodes: []string{"n1", "n3"}},
	} {
		if got := DescribeWays(ConnectionWays(in, all), all); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestNamesLife(t *testing.T) {
	in := Injection{
		ID: "storm/dns#1", Fault: FaultDNS, At: time.Second, For: 5 * time.Second, Target: TargetLeader,
		Names: &agent.Names{Answer: "servfail"},
	}
	synctest.Test(t, func(t *testing.T) {
		var asked agent.Request
		b := &bench{leader: "n3", answer: func(r agent.Request) (agent.Reply, error) {
			if r.Do == agent.MissayNames {
				asked = r
			}
			return agent.Reply{Number: 2, Evidence: "seen"}, nil
		}}
		if err := b.run(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if want := []string{"inject n3", "in-force n3", "heal n3", "healed n3"}; !slices.Equal(b.events, want) {
			t.Errorf("%q", b.events)
		}
		if asked.Names == nil || !slices.Equal(asked.Names.Nodes, []string{"n3"}) || asked.Names.Answer != "servfail" {
			t.Errorf("asked %+v", asked.Names)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		b := &bench{leader: "n3", answer: func(agent.Request) (agent.Reply, error) { return agent.Reply{}, nil }}
		if err := b.run(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if len(b.events) != 4 || !strings.Contains(b.events[1], "failed n3 no question about a name met it") {
			t.Errorf("a node that asks nothing: %q", b.events)
		}
	})
}

func TestForetellLinks(t *testing.T) {
	all := names(3)
	for want, in := range map[string]Injection{
		"established connections reset of the leader, both, port 2380": {Fault: FaultConnections, Target: TargetLeader, Direction: DirectionBoth, Ports: []uint16{2380}, Connections: &Connections{Kind: ConnectionsReset}},
		"new connections refused of clients with the leader":           {Fault: FaultConnections, Target: TargetLeader, Clients: true, Connections: &Connections{Kind: ConnectionsRefuse}},
		"connections reset, and new ones refused: n1 → n2":             {Fault: FaultConnections, Cuts: [][2]string{{"n1", "n2"}}, Connections: &Connections{Kind: ConnectionsBoth}},
		"leader: questions about names get no answer":                  {Fault: FaultDNS, Target: TargetLeader, Names: &agent.Names{Answer: "none"}},
		"n1 n2: questions about db find wrong addresses: n3":           {Fault: FaultDNS, Nodes: []string{"n1", "n2"}, Names: &agent.Names{Answer: "wrong", Names: []string{"db"}, Addresses: []string{"n3"}}},
		"what the leader sends to clients is lost":                     {Fault: FaultPartition, Target: TargetLeader, Clients: true, Direction: DirectionOut},
		"minority around the leader, ports 1 2":                        {Fault: FaultPartition, Target: TargetLeader, Shape: ShapeMinority, Ports: []uint16{1, 2}},
		"clients | the leader":                                         {Fault: FaultPartition, Target: TargetLeader, Clients: true, Direction: DirectionBoth},
	} {
		if got := Foretell(in, all); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
