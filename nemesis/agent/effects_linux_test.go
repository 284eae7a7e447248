package agent

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An effect is a fault of the network, and what is measured without it and
// with it.
type effect struct {
	name         string
	does, undoes Request
	measure      func(s *shore, t *testing.T, want string) string
	bare, hurt   string
	// spared measures something beside it that it must leave as it is.
	spared func(s *shore, t *testing.T, want string) string
}

func effects() []effect {
	n1n2, toN2 := [][2]string{{"n1", "n2"}}, [][2]string{{Clients, "n2"}}
	cut := func(name string, pairs [][2]string, ports []uint16, from int, spared func(*shore, *testing.T, string) string) effect {
		return effect{name, Request{Do: Cut, Pairs: pairs, Ports: ports}, Request{Do: Mend}, datagram(from, echoPort), "itself", "nothing", spared}
	}
	slow := func(name string, d Slowdown, measure func(*shore, *testing.T, string) string, bare, hurt string) effect {
		return effect{name, Request{Do: Slow, Pairs: n1n2, Slowdown: &d}, Request{Do: Hasten}, measure, bare, hurt, datagram(fromClients, echoPort)}
	}
	names := func(name string, n Names, hurt string) effect {
		n.Nodes = []string{"n1"}
		return effect{name, Request{Do: MissayNames, Names: &n}, Request{Do: MendNames}, resolves, "n2", hurt, datagram(0, echoPort)}
	}
	refuse := func(name string, pairs [][2]string, ports []uint16, from int, spared func(*shore, *testing.T, string) string) effect {
		return effect{name, Request{Do: RefuseConnections, Pairs: pairs, Ports: ports}, Request{Do: AllowConnections},
			connects(from, echoPort), "connected", "refused", spared}
	}
	return []effect{
		cut("partition", n1n2, nil, 0, datagram(fromClients, echoPort)),
		cut("partition of the other way", [][2]string{{"n2", "n1"}}, nil, 0, datagram(fromClients, echoPort)),
		cut("partition of a port", n1n2, []uint16{echoPort}, 0, datagram(0, otherPort)),
		cut("partition from clients", toN2, nil, fromClients, datagram(0, echoPort)),
		cut("partition from clients of a port", toN2, []uint16{echoPort}, fromClients, datagram(fromClients, otherPort)),
		refuse("refused connections", n1n2, nil, 0, connects(fromClients, echoPort)),
		refuse("refused connections of a port", n1n2, []uint16{echoPort}, 0, connects(0, otherPort)),
		refuse("refused connections of clients", toN2, nil, fromClients, connects(0, echoPort)),
		slow("delay", Slowdown{Delay: 100 * time.Millisecond}, slowly(100*time.Millisecond), "quick", "slow"),
		slow("delay with jitter", Slowdown{Delay: 150 * time.Millisecond, Jitter: 50 * time.Millisecond}, slowly(100*time.Millisecond), "quick", "slow"),
		slow("loss", Slowdown{Loss: 1}, datagram(0, echoPort), "itself", "nothing"),
		slow("duplicates", Slowdown{Duplicate: 1}, datagram(0, echoPort), "itself", "twice"),
		slow("corruption", Slowdown{Corrupt: 1}, datagram(0, echoPort), "itself", "nothing"),
		slow("tampering", Slowdown{Tamper: 1}, datagram(0, echoPort), "itself", "something else"),
		slow("bandwidth", Slowdown{Rate: 128 << 10}, bulk(192<<10, time.Second), "quick", "slow"),
		names("names without an answer", Names{Answer: "none"}, "no answer"),
		names("names that fail", Names{Answer: "servfail"}, "failure"),
		names("names that there are not", Names{Answer: "nxdomain", Names: []string{"*.internal"}}, "no such name"),
		names("wrong addresses", Names{Answer: "wrong", Addresses: []string{"n1"}}, "n1"),
		names("addresses that nobody has", Names{Answer: "wrong"}, "192.0.2.1"),
	}
}

func (e effect) is(t *testing.T, s *shore, when, want string) {
	t.Helper()
	if got := e.measure(s, t, want); got != want {
		t.Errorf("%s: measured %q; want %q", when, got, want)
	}
	if e.spared != nil {
		fine := map[bool]string{true: "connected", false: "itself"}[strings.HasPrefix(e.name, "refused")]
		if got := e.spared(s, t, fine); got != fine {
			t.Errorf("%s: what should be left alone is %q", when, got)
		}
	}
}

// What every fault of the network does is measured, and that it is gone once
// it is healed; and that a node that starts again does not escape it.
func TestEffectsOnTheNetwork(t *testing.T) {
	for _, e := range effects() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			s := newShore(t)
			e.does.ID, e.undoes.ID = "f", "f"
			e.is(t, s, "without the fault", e.bare)
			s.ask(t, e.does)
			e.is(t, s, "with it", e.hurt)
			for i, node := range []string{"n1", "n2"} {
				s.ask(t, Request{Do: Kill, Node: node})
				s.start(t, i)
			}
			e.is(t, s, "with it, after both nodes started again", e.hurt)
			s.ask(t, e.undoes)
			e.is(t, s, "healed", e.bare)
			s.ask(t, e.does)
			e.is(t, s, "with it again", e.hurt)
			s.hangUp(t)
			e.is(t, s, "after the agent's end", e.bare)
		})
	}
}

// A fault of the network comes and goes at a node that is paused.
func TestEffectsOnAPausedNode(t *testing.T) {
	for _, e := range effects() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			s := newShore(t)
			e.does.ID, e.undoes.ID = "f", "f"
			s.ask(t, Request{Do: Freeze, ID: "p", Node: "n2"})
			s.ask(t, e.does)
			e.is(t, s, "at a paused node", e.hurt) // The echo is no process of the node's.
			s.ask(t, e.undoes)
			e.is(t, s, "healed at a paused node", e.bare)
			s.ask(t, Request{Do: Thaw, ID: "p", Node: "n2"})
			e.is(t, s, "thawed", e.bare)
		})
	}
}

// A reset is told to both ends of a connection, once.
func TestEffectOfAReset(t *testing.T) {
	s := newShore(t)
	for from, pair := range map[int][2]string{0: {"n1", "n2"}, fromClients: {Clients, "n2"}} {
		open, err := s.asks(t, "tcp", from, echoPort)
		other, otherErr := s.asks(t, "tcp", from, otherPort)
		if err != nil || otherErr != nil || once(open, patient) != "itself" || once(other, patient) != "itself" {
			t.Fatalf("%v, %v", err, otherErr)
		}
		r := s.ask(t, Request{Do: ResetConnections, Pairs: [][2]string{pair}, Ports: []uint16{echoPort}})
		if r.Number != 1 || r.Evidence == "" {
			t.Errorf("%+v; want one connection reset", r)
		}
		open.SetReadDeadline(time.Now().Add(patient))
		if _, err := open.Read(make([]byte, 8)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%v: its owner is told %v", pair, err)
		}
		if got := once(other, patient); got != "itself" {
			t.Errorf("%v: the connection to another port: %s", pair, got)
		}
		if got := connects(from, echoPort)(s, t, "connected"); got != "connected" {
			t.Errorf("%v: a new connection is %s", pair, got)
		}
	}
}

// Corrupted packets do arrive: the kernel of the receiver counts them.
func TestCorruptionIsSeenByTheKernel(t *testing.T) {
	s := newShore(t)
	before := s.wrongChecksums(t)
	s.ask(t, Request{Do: Slow, ID: "f", Pairs: [][2]string{{"n1", "n2"}}, Slowdown: &Slowdown{Corrupt: 1}})
	if got := datagram(0, echoPort)(s, t, "nothing"); got != "nothing" {
		t.Errorf("a corrupted datagram came back as %s", got)
	}
	eventually(t, "the kernel counts wrong checksums", func() bool { return s.wrongChecksums(t) >= before+times })
}

// wrongChecksums is how many datagrams came to n2 whose checksum was wrong.
func (s *shore) wrongChecksums(t *testing.T) int {
	t.Helper()
	text := ""
	err := s.play.In(1, func() error {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/net/snmp", os.Getpid(), syscall.Gettid()))
		text = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var head, values []string
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "Udp: "); ok {
			head, values = values, strings.Fields(rest)
		}
	}
	for i, name := range head {
		if name == "InCsumErrors" {
			var n int
			fmt.Sscan(values[i], &n)
			return n
		}
	}
	t.Fatalf("no InCsumErrors in %q", text)
	return 0
}

// The address of n1 that a wrong answer names must be one that the agent
// knows; nothing is done otherwise.
func TestWrongAddressesOfNobody(t *testing.T) {
	s := newShore(t)
	s.refused(t, "neither an IP address nor a node", Request{Do: MissayNames, ID: "f", Names: &Names{Nodes: []string{"n1"}, Answer: "wrong", Addresses: []string{"n9"}}})
	s.refused(t, `needs the field "names"`, Request{Do: MissayNames, ID: "f"})
	s.refused(t, "nothing is refused", Request{Do: RefusedConnections, ID: "f"})
	s.refused(t, "no questions", Request{Do: MissaidNames, ID: "f"})
	for _, r := range []Request{{Do: AllowConnections, ID: "f"}, {Do: MendNames, ID: "f"}} {
		if got := s.ask(t, r); got.Number != 0 {
			t.Errorf("%+v", got)
		}
	}
}
