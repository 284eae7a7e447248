//go:build linux

package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/desired"
	"github.com/shakedown-dev/shakedown/nemesis/agent/playground"
	"github.com/shakedown-dev/shakedown/nemesis/agent/playground/playtest"
	"github.com/shakedown-dev/shakedown/nemesis/agent/rules"
)

// truth is what the servers of tests answer to every question.
var truth = []netip.Addr{netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("fd01::3")}

// A port is two nodes, n1 and n2, and servers of DNS: at n2, and at n1's
// loopback as docker's own is.
type port struct {
	*Network
	play *playground.Playground
}

// inside is where docker's server is.
const inside = "127.0.0.11"

func newPort(t *testing.T) *port {
	t.Helper()
	p := playtest.New(t, 2)
	x := &port{New(rules.TableName(t.Name())), p}
	t.Cleanup(func() {
		if _, err := x.Heal(context.Background()); err != nil {
			t.Error(err)
		}
	})
	for i, name := range []string{"n1", "n2"} {
		if err := x.Place(t.Context(), name, p.Endpoint(i)); err != nil {
			t.Fatal(err)
		}
	}
	x.serve(t, 0, inside)
	x.serve(t, 1, p.Address(1).String())
	x.serve(t, 1, p.Address6(1).String())
	return x
}

// serve tells the truth, by UDP and by TCP.
func (x *port) serve(t *testing.T, i int, address string) {
	t.Helper()
	var udp net.PacketConn
	var tcp net.Listener
	err := x.play.In(i, func() (err error) {
		at := net.JoinHostPort(address, "53")
		if udp, err = net.ListenPacket("udp", at); err != nil {
			return err
		}
		tcp, err = net.Listen("tcp", at)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { udp.Close(); tcp.Close() })
	go func() {
		b := make([]byte, 4096)
		for {
			n, from, err := udp.ReadFrom(b)
			if err != nil {
				return
			}
			udp.WriteTo(honest(b[:n]), from)
		}
	}()
	go func() {
		for {
			c, err := tcp.Accept()
			if err != nil {
				return
			}
			b := make([]byte, 4096)
			if n, err := c.Read(b); err == nil && n > 2 {
				answer := honest(b[2:n])
				c.Write(append([]byte{byte(len(answer) >> 8), byte(len(answer))}, answer...))
			}
			c.Close()
		}
	}()
}

func honest(b []byte) []byte {
	q, _ := parseQuery(b)
	answer, _ := Lie{Answer: Wrong, Addresses: truth}.answer(q)
	return answer
}

// ask resolves a name as a program in n1 does that is written in Go and has
// nothing of the system's, by a server.
func (x *port) ask(network, server, name string) ([]netip.Addr, error) {
	return x.askWithin(10*time.Second, network, server, name)
}

// brief is how long to wait for an answer that should not come.
const brief = 300 * time.Millisecond

func (x *port) askWithin(wait time.Duration, network, server, name string) ([]netip.Addr, error) {
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, asked, _ string) (c net.Conn, err error) {
		if network != "" {
			asked = network
		}
		err = x.play.In(0, func() (err error) {
			c, err = new(net.Dialer).DialContext(ctx, asked, net.JoinHostPort(server, "53"))
			return err
		})
		return c, err
	}}
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	got, err := r.LookupNetIP(ctx, "ip", name)
	for i := range got {
		got[i] = got[i].Unmap()
	}
	slices.SortFunc(got, netip.Addr.Compare)
	return got, err
}

// honestly insists on the truth, however long it takes.
func (x *port) honestly(t *testing.T, server, name string) {
	t.Helper()
	var got []netip.Addr
	var err error
	for range 3 {
		if got, err = x.ask("", server, name); err == nil {
			break
		}
	}
	if err != nil || !slices.Equal(got, truth) {
		t.Errorf("%s is %v by %s, %v; want %v", name, got, server, err, truth)
	}
}

func TestLies(t *testing.T) {
	wrong := Elsewhere()
	for _, c := range []struct {
		lie  Lie
		says func([]netip.Addr, error) bool
	}{
		{Lie{Answer: None}, func(_ []netip.Addr, err error) bool { var e *net.DNSError; return errors.As(err, &e) && e.IsTimeout }},
		{Lie{Answer: Servfail}, func(_ []netip.Addr, err error) bool {
			var e *net.DNSError
			return errors.As(err, &e) && e.IsTemporary && !e.IsNotFound
		}},
		{Lie{Answer: NXDomain}, func(_ []netip.Addr, err error) bool { var e *net.DNSError; return errors.As(err, &e) && e.IsNotFound }},
		{Lie{Answer: Wrong, Addresses: wrong}, func(a []netip.Addr, err error) bool { return err == nil && slices.Equal(a, wrong) }},
		{Lie{Answer: Wrong, Addresses: wrong[:1]}, func(a []netip.Addr, err error) bool { return err == nil && slices.Equal(a, wrong[:1]) }},
	} {
		t.Run(fmt.Sprint(c.lie.Answer, len(c.lie.Addresses)), func(t *testing.T) {
			x := newPort(t)
			for _, server := range []string{inside, x.play.Address(1).String(), x.play.Address6(1).String()} {
				x.honestly(t, server, "db.example.")
				if n, err := x.Lie(t.Context(), "f", []string{"n1"}, c.lie); n != 1 || err != nil {
					t.Fatalf("%d nodes, %v", n, err)
				}
				wait := 10 * time.Second
				if c.lie.Answer == None {
					wait = brief
				}
				if got, err := x.askWithin(wait, "", server, "db.example."); !c.says(got, err) {
					t.Errorf("by %s: %v, %v", server, got, err)
				}
				before, err := x.Count("f")
				if err != nil || before.Hit() == 0 || (before.Answered > 0) != (c.lie.Answer != None) {
					t.Errorf("by %s: %+v, %v", server, before, err)
				}
				if got, was, err := x.Mend(t.Context(), "f"); got.Hit() < before.Hit() || !was || err != nil {
					t.Errorf("mended: %+v, %v, %v", got, was, err)
				}
				x.honestly(t, server, "db.example.")
			}
			x.nothingLeft(t)
		})
	}
}

func (x *port) nothingLeft(t *testing.T) {
	t.Helper()
	if left := playtest.Tables(t, x.play.Endpoint(0)); len(left) > 0 {
		t.Errorf("left in the network of n1: %v", left)
	}
}

// Other names, and other nodes, are not concerned.
func TestOnlySomeNames(t *testing.T) {
	x := newPort(t)
	if _, err := x.Lie(t.Context(), "f", []string{"n1"}, Lie{Answer: NXDomain, Names: []string{"N*.cluster", "db"}}); err != nil {
		t.Fatal(err)
	}
	for name, hit := range map[string]bool{"n1.cluster.": true, "db.": true, "n1.other.": false, "db.cluster.": false} {
		if !hit {
			x.honestly(t, inside, name)
			continue
		}
		if got, err := x.ask("", inside, name); err == nil {
			t.Errorf("%s is %v", name, got)
		}
	}
	if _, err := x.Lie(t.Context(), "f", []string{"n2"}, Lie{Answer: NXDomain}); err != nil {
		t.Fatal(err)
	}
	x.honestly(t, inside, "n1.cluster.")
}

// A question by TCP goes unanswered; so does none without a fault.
func TestQuestionsByTCP(t *testing.T) {
	x := newPort(t)
	server := x.play.Address(1).String()
	if got, err := x.ask("tcp", server, "db."); err != nil || len(got) == 0 {
		t.Fatalf("before: %v, %v", got, err)
	}
	if _, err := x.Lie(t.Context(), "f", []string{"n1"}, Lie{Answer: Wrong, Addresses: Elsewhere()}); err != nil {
		t.Fatal(err)
	}
	if got, err := x.askWithin(brief, "tcp", server, "db."); err == nil {
		t.Errorf("it is answered: %v", got)
	}
	if c, err := x.Count("f"); err != nil || c.Silenced == 0 || c.Answered > 0 {
		t.Errorf("%+v, %v", c, err)
	}
}

// Two faults on one node: the first by its ID that is about a name answers.
func TestTwoLies(t *testing.T) {
	x := newPort(t)
	for id, name := range map[string]string{"a": "a.", "b": "*"} {
		lie := Lie{Answer: Wrong, Names: []string{name}, Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, id[0]})}}
		if _, err := x.Lie(t.Context(), id, []string{"n1"}, lie); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]byte{"a.": 'a', "c.": 'b'} {
		if got, err := x.ask("", inside, name); err != nil || len(got) != 1 || got[0].As4()[3] != want {
			t.Errorf("%s is %v, %v", name, got, err)
		}
	}
	if _, _, err := x.Mend(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	x.honestly(t, inside, "c.")
	if got, err := x.ask("", inside, "a."); err != nil || len(got) != 1 {
		t.Errorf("a. is %v, %v", got, err)
	}
}

// A node that starts again is in a new network, in which it is lied to as well.
func TestLieOverARestart(t *testing.T) {
	x := newPort(t)
	if _, err := x.Lie(t.Context(), "f", []string{"n2"}, Lie{Answer: NXDomain}); err != nil {
		t.Fatal(err)
	}
	x.honestly(t, inside, "db.")
	if err := x.Place(t.Context(), "n2", -1); err != nil {
		t.Fatal(err)
	}
	if len(x.stations) != 0 {
		t.Error("something waits in the network of a node that is down")
	}
	if err := x.Place(t.Context(), "n2", x.play.Endpoint(0)); err != nil {
		t.Fatal(err)
	}
	if got, err := x.ask("", inside, "db."); err == nil {
		t.Errorf("in its new network it is told the truth: %v", got)
	}
}

// Somebody may delete our tables; renewing makes them again.
func TestRenewBringsTablesBack(t *testing.T) {
	x := newPort(t)
	if err := x.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Lie(t.Context(), "f", []string{"n1"}, Lie{Answer: NXDomain}); err != nil {
		t.Fatal(err)
	}
	playtest.DeleteTables(t, x.play.Endpoint(0))
	x.honestly(t, inside, "db.")
	if err := x.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := x.ask("", inside, "db."); err == nil {
		t.Errorf("renewed, it is told the truth: %v", got)
	}
}

// When we are gone, whatever the reason, questions pass.
func TestQuestionsPassWithoutUs(t *testing.T) {
	x := newPort(t)
	if _, err := x.Lie(t.Context(), "f", []string{"n1"}, Lie{Answer: NXDomain}); err != nil {
		t.Fatal(err)
	}
	if err := x.stations["n1"].end(); err != nil {
		t.Fatal(err)
	}
	x.honestly(t, inside, "db.")
	delete(x.stations, "n1")
}

// What is asked for while the node is down is done when it runs.
func TestLieWaitsForANode(t *testing.T) {
	x := newPort(t)
	if err := x.Place(t.Context(), "n1", -1); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Lie(t.Context(), "f", []string{"n1"}, Lie{Answer: None}); !errors.Is(err, desired.ErrNobody) {
		t.Fatalf("nobody runs: %v", err)
	}
	if err := x.Place(t.Context(), "n1", x.play.Endpoint(0)); err != nil {
		t.Fatal(err)
	}
	if len(x.stations) != 1 {
		t.Errorf("%d nodes are answered by us", len(x.stations))
	}
	if _, was, err := x.Mend(t.Context(), "f"); !was || err != nil {
		t.Errorf("mended: %v, %v", was, err)
	}
	x.honestly(t, inside, "db.")
}

func TestWhatCannotBeDone(t *testing.T) {
	x := newPort(t)
	for _, c := range []struct {
		node  string
		lie   Lie
		wants string
	}{
		{"n9", Lie{Answer: None}, `node "n9" is not known`},
		{"n1", Lie{Answer: "maybe"}, `no answer "maybe"`},
		{"n1", Lie{Answer: Wrong}, "needs an address"},
		{"n1", Lie{Answer: None, Addresses: truth}, "has no addresses"},
		{"n1", Lie{Answer: None, Names: []string{"["}}, "not a pattern"},
	} {
		if _, err := x.Lie(t.Context(), "f", []string{c.node}, c.lie); err == nil || !strings.Contains(err.Error(), c.wants) {
			t.Errorf("%+v: %v; want %q", c.lie, err, c.wants)
		}
		if len(x.stations)+len(x.faults) > 0 {
			t.Errorf("%+v: something stays of what was refused", c.lie)
		}
	}
	if _, err := x.Count("never"); err == nil {
		t.Error("what never was is counted")
	}
	if _, was, err := x.Mend(t.Context(), "never"); was || err != nil {
		t.Errorf("what never was is mended: %v, %v", was, err)
	}
	late, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := x.Lie(late, "f", []string{"n1"}, Lie{Answer: None}); err == nil {
		t.Error("begun too late")
	}
}
