package agent

import (
	"strings"
	"testing"
	"time"
)

func TestClockOfAChild(t *testing.T) {
	b := newBench(t, 0)
	c := startChild(t, "agent-probe-child")
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	began := time.Now()
	_, before := c.now(t)
	for _, offset := range []time.Duration{90 * time.Second, -time.Hour, 5 * time.Millisecond, 0, 24 * time.Hour} {
		r := b.ask(t, Request{Do: SetClock, ID: "f", Node: "n1", Offset: offset})
		if time.Duration(r.Number) != offset || !strings.Contains(r.Evidence, "in 1 of 1 process (pid") {
			t.Errorf("set to %v: %+v", offset, r)
		}
		if !c.skewed(t, offset) {
			wall, _ := c.now(t)
			t.Errorf("its clock shows %v at %v; want it off by %v", wall, time.Now(), offset)
		}
		if r := b.ask(t, Request{Do: ReadClock, Node: "n1"}); time.Duration(r.Number) != offset {
			t.Errorf("read back %+v; want %v", r, offset)
		}
	}
	if _, after := c.now(t); after-before > time.Since(began) {
		t.Errorf("its monotonic clock went on by %v in less than %v", after-before, time.Since(began))
	}
	b.ask(t, Request{Do: ResetClock, ID: "f", Node: "n1"})
	if !c.skewed(t, 0) {
		t.Error("the clock is still off after the reset")
	}
}
