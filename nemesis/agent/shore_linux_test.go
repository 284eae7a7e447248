package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/shakedown-dev/shakedown/nemesis/agent/playground"
	"github.com/shakedown-dev/shakedown/nemesis/agent/playground/playtest"
)

// A shore is two nodes with an agent, n2 with an echo by UDP and TCP on two
// ports, a server of names that n1 asks, and a host of clients. What a fault
// does is measured from within n1, or from the host; never asked of the agent.
type shore struct {
	*bench
	play  *playground.Playground
	child [2]*child
}

const (
	echoPort, otherPort = 7001, 7002
	// patient is how long an answer that comes at once may take on a busy
	// machine.
	patient = 10 * time.Second
	// brief is how long to wait for an answer that should not come; it is
	// asked for a few times.
	brief, times = 60 * time.Millisecond, 3
)

func newShore(t *testing.T) *shore {
	t.Helper()
	p := playtest.New(t, 2)
	s := &shore{bench: newBench(t, p.Bridge()), play: p}
	for i := range 2 {
		s.start(t, i)
	}
	for _, port := range []int{echoPort, otherPort} {
		s.echoUDP(t, port)
		s.echoTCP(t, port)
	}
	s.tellNames(t)
	return s
}

// start starts a node, or starts it again.
func (s *shore) start(t *testing.T, i int) {
	t.Helper()
	err := s.play.In(i, func() error {
		c, _ := startJailed(t, "agent-probe-child")
		s.child[i] = c
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s.ask(t, Request{Do: Register, Node: fmt.Sprint("n", i+1), Pid: s.child[i].Process.Pid,
		Addresses: []string{s.play.Address(i).String(), s.play.Address6(i).String()}})
}

func (s *shore) echoUDP(t *testing.T, port int) {
	t.Helper()
	var c *net.UDPConn
	err := s.play.In(1, func() (err error) {
		c, err = net.ListenUDP("udp", &net.UDPAddr{IP: s.play.Address(1).AsSlice(), Port: port})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		b := make([]byte, 2048)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			c.WriteTo(b[:n], from)
		}
	}()
}

func (s *shore) echoTCP(t *testing.T, port int) {
	t.Helper()
	var l net.Listener
	err := s.play.In(1, func() (err error) {
		l, err = net.Listen("tcp", fmt.Sprintf("%v:%d", s.play.Address(1), port))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				b := make([]byte, 2048)
				for n, err := c.Read(b); err == nil; n, err = c.Read(b) {
					c.Write(b[:n])
				}
			}()
		}
	}()
}

// tellNames serves n1's loopback, where docker's server is, and says of every
// name that it is n2.
func (s *shore) tellNames(t *testing.T) {
	t.Helper()
	var c net.PacketConn
	err := s.play.In(0, func() (err error) {
		c, err = net.ListenPacket("udp", "127.0.0.11:53")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		b := make([]byte, 2048)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(b[:n]) != nil {
				continue
			}
			m.Response = true
			m.Additionals = nil
			if m.Questions[0].Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: dnsmessage.ClassINET, TTL: 1},
					Body:   &dnsmessage.AResource{A: s.play.Address(1).As4()},
				}}
			}
			if answer, err := m.Pack(); err == nil {
				c.WriteTo(answer, from)
			}
		}
	}()
}

// asks opens a socket in n1, or among the clients, to a port of n2.
func (s *shore) asks(t *testing.T, network string, from, port int) (net.Conn, error) {
	t.Helper()
	var c net.Conn
	dial := func() (err error) {
		c, err = net.DialTimeout(network, fmt.Sprintf("%v:%d", s.play.Address(1), port), patient)
		return err
	}
	in := s.play.InBridge
	if from == 0 {
		in = func(f func() error) error { return s.play.In(0, f) }
	}
	err := in(dial)
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

const fromClients = -1

// datagram sends one to n2's echo and says what comes back: itself, something
// else, twice, or nothing.
func datagram(from, port int) func(*shore, *testing.T, string) string {
	return func(s *shore, t *testing.T, want string) string {
		c, err := s.asks(t, "udp", from, port)
		if err != nil {
			return err.Error()
		}
		defer c.Close()
		wait := patient
		if want != "itself" {
			wait = brief
		}
		for range times {
			if got := once(c, wait); got != "nothing" {
				return got
			}
		}
		return "nothing"
	}
}

func once(c net.Conn, wait time.Duration) string {
	const text = "what is sent"
	if _, err := c.Write([]byte(text)); err != nil {
		return err.Error()
	}
	b := make([]byte, 64)
	c.SetReadDeadline(time.Now().Add(wait))
	n, err := c.Read(b)
	switch {
	case err != nil:
		return "nothing"
	case string(b[:n]) != text:
		return "something else"
	}
	c.SetReadDeadline(time.Now().Add(brief))
	if n, err := c.Read(b); err == nil && string(b[:n]) == text {
		return "twice"
	}
	return "itself"
}

// stream says how n1's connection to n2 fares: one that is open already, and
// one that is opened now.
func connects(from, port int) func(*shore, *testing.T, string) string {
	return func(s *shore, t *testing.T, _ string) string {
		c, err := s.asks(t, "tcp", from, port)
		switch {
		case errors.Is(err, syscall.ECONNREFUSED):
			return "refused"
		case err != nil:
			return err.Error()
		}
		c.Close()
		return "connected"
	}
}

// slowly says whether an answer takes longer than a delay.
func slowly(least time.Duration) func(*shore, *testing.T, string) string {
	return func(s *shore, t *testing.T, _ string) string {
		c, err := s.asks(t, "udp", 0, echoPort)
		if err != nil {
			return err.Error()
		}
		defer c.Close()
		best := patient
		for range times { // A busy machine makes it longer, and never shorter.
			begin := time.Now()
			if got := once(c, patient); got != "itself" {
				return got
			}
			best = min(best, time.Since(begin)-brief) // once waits to see if it comes twice
		}
		if best >= least {
			return "slow"
		}
		return "quick"
	}
}

// bulk says whether so many bytes take longer than they should.
func bulk(size int, least time.Duration) func(*shore, *testing.T, string) string {
	return func(s *shore, t *testing.T, _ string) string {
		c, err := s.asks(t, "tcp", 0, echoPort)
		if err != nil {
			return err.Error()
		}
		defer c.Close()
		begin := time.Now()
		go c.Write(make([]byte, size))
		c.SetReadDeadline(time.Now().Add(patient))
		for got := 0; got < size; {
			n, err := c.Read(make([]byte, 64<<10))
			if err != nil {
				return err.Error()
			}
			got += n
		}
		if time.Since(begin) >= least {
			return "slow"
		}
		return "quick"
	}
}

// resolves asks for a name as a program in n1 does that has nothing but Go.
func resolves(s *shore, _ *testing.T, want string) string {
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (c net.Conn, err error) {
		err = s.play.In(0, func() (err error) {
			c, err = new(net.Dialer).DialContext(ctx, network, "127.0.0.11:53")
			return err
		})
		return c, err
	}}
	wait := patient
	if want == "no answer" {
		wait = times * brief
	}
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	got, err := r.LookupNetIP(ctx, "ip4", "db.internal.")
	var failed *net.DNSError
	switch {
	case errors.As(err, &failed) && failed.IsNotFound:
		return "no such name"
	case errors.As(err, &failed) && failed.IsTimeout:
		return "no answer"
	case errors.As(err, &failed) && failed.IsTemporary:
		return "failure"
	case err != nil:
		return err.Error()
	case got[0].Unmap() == s.play.Address(1):
		return "n2"
	case got[0].Unmap() == s.play.Address(0):
		return "n1"
	}
	return got[0].String()
}
