package agent

import (
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/cut"
	"github.com/shakedown-dev/shakedown/nemesis/agent/playground"
	"github.com/shakedown-dev/shakedown/nemesis/agent/playground/playtest"
	"github.com/shakedown-dev/shakedown/nemesis/agent/slow"
)

// startIn starts a process in the network of an endpoint and registers it.
func startIn(t testing.TB, b *bench, p *playground.Playground, i int) *child {
	t.Helper()
	var c *child
	if err := p.In(i, func() error { c = startChild(t, "agent-probe-child"); return nil }); err != nil {
		t.Fatal(err)
	}
	b.ask(t, Request{Do: Register, Node: fmt.Sprint("n", i+1), Pid: c.Process.Pid,
		Addresses: []string{p.Address(i).String(), p.Address6(i).String()}})
	return c
}

func roundTripOf(t testing.TB, b *bench) time.Duration {
	t.Helper()
	return time.Duration(b.ask(t, Request{Do: RoundTrip, Pairs: [][2]string{{"n1", "n2"}}}).Number)
}

const testDelay = 200 * time.Millisecond

func slowN1toN2() Request {
	return Request{Do: Slow, ID: "f", Pairs: [][2]string{{"n1", "n2"}}, Slowdown: &Slowdown{Delay: testDelay}}
}

// A node that is killed and starts again is slowed again, in the end it is not.
func TestSlowOverARestart(t *testing.T) {
	p := playtest.New(t, 2)
	b := newBench(t, 0)
	startIn(t, b, p, 0)
	startIn(t, b, p, 1)
	if took := roundTripOf(t, b); took >= testDelay {
		t.Fatalf("bare, a round trip takes %v", took)
	}
	evidence := b.ask(t, slowN1toN2()).Evidence
	if took := roundTripOf(t, b); took < testDelay {
		t.Errorf("slowed, it takes %v", took)
	}
	b.ask(t, Request{Do: Kill, Node: "n2"})
	startIn(t, b, p, 1)
	if took := roundTripOf(t, b); took < testDelay {
		t.Errorf("after a restart it takes %v", took)
	}
	if r := b.ask(t, Request{Do: Slowed, ID: "f"}); r.Number == 0 || !strings.Contains(r.Evidence, "delayed") {
		t.Errorf("%+v", r)
	} else if !strings.Contains(evidence, "netem") && !strings.Contains(r.Evidence, "delayed, by 2") {
		t.Errorf("%+v", r)
	}
	if r := b.ask(t, Request{Do: Hasten, ID: "f"}); r.Number == 0 {
		t.Errorf("%+v", r)
	}
	if took := roundTripOf(t, b); took >= testDelay {
		t.Errorf("hastened, it takes %v", took)
	}
	b.refused(t, "nothing is slowed", Request{Do: Slowed, ID: "f"})
	if r := b.ask(t, Request{Do: Hasten, ID: "f"}); r.Evidence != "nothing was slowed by it" {
		t.Errorf("%+v", r)
	}
}

// Rules in the network that the agent is in would be about everybody.
func TestSlowLeavesTheHostAlone(t *testing.T) {
	b := newBench(t, 0)
	for i, name := range []string{"n1", "n2"} {
		c := startChild(t, "agent-probe-child")
		b.ask(t, Request{Do: Register, Node: name, Pid: c.Process.Pid, Addresses: []string{fmt.Sprint("10.99.1.", i+1)}})
	}
	b.refused(t, "in a network of its own", slowN1toN2())
	b.refused(t, "in a network of its own", Request{Do: RoundTrip, Pairs: [][2]string{{"n1", "n2"}}})
	r := slowN1toN2()
	r.Slowdown = nil
	b.refused(t, `needs the field "slowdown"`, r)
}

// When the agent's input ends nothing is slowed any more.
func TestEndOfInputHastens(t *testing.T) {
	p := playtest.New(t, 2)
	b := newBench(t, 0)
	startIn(t, b, p, 0)
	startIn(t, b, p, 1)
	b.ask(t, slowN1toN2())
	b.hangUp(t)
	if took, err := slow.RoundTrip(t.Context(), p.Endpoint(0), p.Address(1)); err != nil || took >= testDelay {
		t.Errorf("a round trip takes %v, %v", took, err)
	}
}

// An agent that was killed with -9 lets everything pass: where a queue does it
// at once, and where netem does it when nobody has renewed it for its lifetime.
func TestKilledAgentSlowsNothing(t *testing.T) {
	p := playtest.New(t, 2)
	victim := exec.Command("/proc/self/exe", "agent")
	near, far := net.Pipe()
	victim.Stdout = far
	in, err := victim.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	conn := Dial(stdio{near, in})
	b := &bench{Conn: conn}
	startIn(t, b, p, 0)
	startIn(t, b, p, 1)
	within := time.Duration(0)
	if strings.Contains(b.ask(t, slowN1toN2()).Evidence, "netem") {
		within = cut.Lifetime
	}
	if took := roundTripOf(t, b); took < testDelay {
		t.Errorf("slowed, a round trip takes %v", took)
	}
	victim.Process.Kill()
	far.Close()
	victim.Wait()
	conn.Close()
	for deadline := time.Now().Add(within + 2*time.Second); ; {
		took, err := slow.RoundTrip(t.Context(), p.Endpoint(0), p.Address(1))
		if err == nil && took < testDelay {
			return
		}
		if err != nil || within == 0 || time.Now().After(deadline) {
			t.Fatalf("after its death it takes %v, %v", took, err)
		}
	}
}
