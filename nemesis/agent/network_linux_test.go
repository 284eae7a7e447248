package agent

import (
	"fmt"
	"io"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/nftables"

	"github.com/shakedown-dev/shakedown/nemesis/agent/cut"
	"github.com/shakedown-dev/shakedown/nemesis/agent/playground"
	"github.com/shakedown-dev/shakedown/nemesis/agent/playground/playtest"
)

// registerAll registers the endpoints of a playground as n1, n2, …, down.
func registerAll(t testing.TB, b *bench, p *playground.Playground, n int) {
	t.Helper()
	for i := range n {
		b.ask(t, Request{Do: Register, Node: fmt.Sprint("n", i+1),
			Addresses: []string{p.Address(i).String(), p.Address6(i).String()}})
	}
}

func sockets(t testing.TB, p *playground.Playground, n int) []*net.UDPConn {
	t.Helper()
	var socks []*net.UDPConn
	for i := range n {
		s, err := p.ListenUDP(i, p.Address(i))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		socks = append(socks, s)
	}
	return socks
}

func arrives(t testing.TB, from, to *net.UDPConn, text string) {
	t.Helper()
	if err := pass(from, to, text, time.Now().Add(10*time.Second)); err != nil {
		t.Fatal(err)
	}
}

func TestCutDroppedMend(t *testing.T) {
	p := playtest.New(t, 2)
	b := newBench(t, p.Bridge())
	registerAll(t, b, p, 2)
	s := sockets(t, p, 2)
	arrives(t, s[0], s[1], "before")
	r := b.ask(t, Request{Do: Cut, ID: "f", Pairs: [][2]string{{"n1", "n2"}}})
	if !strings.Contains(r.Evidence, "2 pairs of addresses cut in one transaction") || r.Took <= 0 {
		t.Errorf("cut: %+v", r)
	}
	if r := b.ask(t, Request{Do: Dropped, ID: "f"}); r.Number != 0 {
		t.Errorf("before anything was sent %d packets were dropped", r.Number)
	}
	if _, err := s[0].WriteTo([]byte("during"), s[1].LocalAddr()); err != nil {
		t.Fatalf("the sender was told: %v", err)
	}
	eventually(t, "the packet is dropped", func() bool { return b.ask(t, Request{Do: Dropped, ID: "f"}).Number == 1 })
	if r := b.ask(t, Request{Do: Mend, ID: "f"}); r.Number != 1 || !strings.Contains(r.Evidence, "1 packet dropped, counted on its own pairs") {
		t.Errorf("mend: %+v", r)
	}
	arrives(t, s[0], s[1], "after")
	if r := b.ask(t, Request{Do: Mend, ID: "f"}); r.Evidence != "nothing was cut by it" {
		t.Errorf("mended twice: %+v", r)
	}
	b.refused(t, "nothing is cut", Request{Do: Dropped, ID: "f"})
}

// Whatever the agent was doing, when its input ends there is nothing left.
func TestEndOfInputHealsEverything(t *testing.T) {
	p := playtest.New(t, 2)
	b := newBench(t, p.Bridge())
	registerAll(t, b, p, 2)
	s := sockets(t, p, 2)
	arrives(t, s[0], s[1], "before")
	c, g := startJailed(t, "agent-probe-child")
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	b.ask(t, Request{Do: SetClock, ID: "c", Node: "n1", Clock: &Clock{Offset: time.Hour}})
	b.ask(t, Request{Do: Cut, ID: "f", Pairs: [][2]string{{"n1", "n2"}, {"n2", "n1"}}})
	b.ask(t, Request{Do: Freeze, ID: "p", Node: "n1"})
	b.hangUp(t)
	arrives(t, s[0], s[1], "after")
	if got := state(t, g); got != "THAWED" {
		t.Errorf("the node is %s", got)
	}
	if !c.skewed(t, 0) {
		t.Error("its clock is still off")
	}
	if left, err := cut.Sweep(t.Context(), p.Bridge(), "*"); err != nil || len(left) > 0 {
		t.Errorf("left in the kernel: %v, %v", left, err)
	}
}

func TestHealSaysWhatThereWas(t *testing.T) {
	p := playtest.New(t, 2)
	b := newBench(t, p.Bridge())
	registerAll(t, b, p, 2)
	if r := b.ask(t, Request{Do: Heal}); r.Evidence != "there was nothing to heal" {
		t.Errorf("at first: %q", r.Evidence)
	}
	c, _ := startJailed(t, "spin")
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	b.ask(t, Request{Do: SetClock, ID: "c", Node: "n1", Clock: &Clock{Offset: time.Hour}})
	b.ask(t, Request{Do: Cut, ID: "f", Pairs: [][2]string{{"n1", "n2"}}})
	b.ask(t, Request{Do: Freeze, ID: "p", Node: "n1"})
	if r := b.ask(t, Request{Do: Heal}); r.Evidence != "healed 1 cut, n1 frozen, n1's clock" {
		t.Errorf("then: %q", r.Evidence)
	}
	if r := b.ask(t, Request{Do: ReadClock, Node: "n1"}); r.Number != 0 {
		t.Errorf("after healing: %q", r.Evidence)
	}
	if r := b.ask(t, Request{Do: Heal}); r.Evidence != "there was nothing to heal" {
		t.Errorf("at last: %q", r.Evidence)
	}
}

// The rules of an agent that was killed with -9 stay, but everything in them
// ends by itself; another agent can remove them.
func TestKilledAgent(t *testing.T) {
	p := playtest.New(t, 2)
	victim := exec.Command("/proc/self/exe", "agent")
	near, far := net.Pipe()
	victim.Stdout = far
	in, err := victim.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.InBridge(victim.Start); err != nil {
		t.Fatal(err)
	}
	conn := Dial(stdio{near, in})
	b := &bench{Conn: conn}
	b.ask(t, Request{Do: Hello, ID: "run/7"})
	registerAll(t, b, p, 2)
	b.ask(t, Request{Do: Cut, ID: "f", Pairs: [][2]string{{"n1", "n2"}}})
	victim.Process.Kill()
	far.Close()
	victim.Wait()
	conn.Close()

	if in := expiresIn(t, p); in <= 0 || in > cut.Lifetime {
		t.Errorf("the dead agent's cut ends in %v", in)
	}
	if r := newBench(t, p.Bridge()).ask(t, Request{Do: Heal, ID: "*"}); r.Evidence != "healed table shakedown_run_7" {
		t.Errorf("another agent: %q", r.Evidence)
	}
}

// An agent whose answers nobody reads any more heals before it ends, as when the
// connection to it breaks in the middle of a request.
func TestAgentThatNobodyHears(t *testing.T) {
	p := playtest.New(t, 2)
	victim := exec.Command("/proc/self/exe", "agent")
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := victim.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.InBridge(victim.Start); err != nil {
		t.Fatal(err)
	}
	conn := Dial(stdio{out, in})
	b := &bench{Conn: conn}
	b.ask(t, Request{Do: Hello, ID: "run/7"})
	registerAll(t, b, p, 2)
	b.ask(t, Request{Do: Cut, ID: "f", Pairs: [][2]string{{"n1", "n2"}}})
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(in, `{"seq":99,"do":"read-cut"}`+"\n"); err != nil {
		t.Fatal(err)
	}
	if err := victim.Wait(); err == nil || victim.ProcessState.ExitCode() != 1 {
		t.Errorf("ended with %v", err)
	}
	_ = conn.Close() // Its process has ended.
	if r := newBench(t, p.Bridge()).ask(t, Request{Do: Heal, ID: "*"}); r.Evidence != "there was nothing to heal" {
		t.Errorf("another agent: %q", r.Evidence)
	}
}

// stdio is the two halves of a process's standard streams.
type stdio struct {
	io.ReadCloser
	in io.WriteCloser
}

func (s stdio) Write(b []byte) (int, error) { return s.in.Write(b) }

func (s stdio) Close() error {
	s.in.Close()
	return s.ReadCloser.Close()
}

// expiresIn asks the kernel when the last of what is cut ends.
func expiresIn(t testing.TB, p *playground.Playground) time.Duration {
	t.Helper()
	c, err := nftables.New(nftables.WithNetNSFd(p.Bridge()))
	if err != nil {
		t.Fatal(err)
	}
	table, err := c.ListTableOfFamily("shakedown_run_7", nftables.TableFamilyBridge)
	if err != nil {
		t.Fatal(err)
	}
	sets, err := c.GetSets(table)
	if err != nil {
		t.Fatal(err)
	}
	last := time.Duration(0)
	for _, set := range sets {
		if !strings.HasPrefix(set.Name, "pairs") && !strings.HasPrefix(set.Name, "ports") {
			continue // It only says what is a node; nothing is done to those.
		}
		elements, err := c.GetSetElements(set)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range elements {
			if e.Expires == 0 {
				t.Errorf("% x never ends", e.Key)
			}
			last = max(last, e.Expires)
		}
	}
	return last
}

// BenchmarkCut parts two halves: from asking the agent to its answer, which
// comes after the kernel was asked what is in force.
func BenchmarkCut5(b *testing.B)  { benchmarkCut(b, 5) }
func BenchmarkCut50(b *testing.B) { benchmarkCut(b, 50) }

func benchmarkCut(b *testing.B, nodes int) {
	p := playtest.New(b, 0)
	bench := newBench(b, p.Bridge())
	var pairs [][2]string
	for i := range nodes {
		bench.ask(b, Request{Do: Register, Node: fmt.Sprint("n", i+1), Addresses: []string{p.Address(i).String()}})
		for j := range nodes {
			if i%2 != j%2 {
				pairs = append(pairs, [2]string{fmt.Sprint("n", i+1), fmt.Sprint("n", j+1)})
			}
		}
	}
	var all []time.Duration
	for b.Loop() {
		begin := time.Now()
		bench.ask(b, Request{Do: Cut, ID: "f", Pairs: pairs})
		all = append(all, time.Since(begin))
		bench.ask(b, Request{Do: Mend, ID: "f"})
	}
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "ms-median")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "ms-p99")
	b.ReportMetric(float64(all[len(all)-1].Microseconds())/1000, "ms-max")
}

func BenchmarkSetClock(b *testing.B) {
	bench := newBench(b, 0)
	c := startChild(b, "agent-probe-child")
	bench.ask(b, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	offset := time.Duration(0)
	for b.Loop() {
		offset += time.Second
		bench.ask(b, Request{Do: SetClock, ID: "f", Node: "n1", Clock: &Clock{Offset: offset}})
	}
}
