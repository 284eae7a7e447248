package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// farPort is where the nodes of this test serve: those on the host's network do
// so on this machine.
const farPort = "18492"

// Nodes of two engines on two hosts, over each kind of network that hosts can
// share: what a partition and a delay do, and that they end, is measured from
// the nodes' own networks by connections to each other. The doctor finds which
// of the networks this machine reaches.
func TestFleetOverEachNetwork(t *testing.T) {
	for network, reached := range map[string]string{
		"macvlan": "arrived", "overlay": "is not reached", "host": "it is the host of n1", // from here
	} {
		t.Run(network, func(t *testing.T) {
			f, berths, name := upAcross(t, network)
			whole(t, f, "at first")
			cutAndMend(t, f)
			slowOneThatIsDown(t, f)
			if err := f.Down(t.Context()); err != nil {
				t.Error(err)
			}
			tried := TryShared(t.Context(), f.spec.Run, berths, name)
			if !tried[0].OK {
				t.Errorf("the doctor says: %+v", tried[0])
			}
			if !strings.Contains(tried[1].Detail, reached) || tried[1].OK != (reached == "arrived") {
				t.Errorf("the doctor says: %+v, want %q", tried[1], reached)
			}
			for _, b := range berths {
				nothingLeft(t, b.Engine, f.spec.Run)
			}
		})
	}
}

// bothWays are those between the nodes of two engines.
func bothWays() [][2]string { return [][2]string{{"n1", "n2"}, {"n2", "n1"}} }

func askAgents(t *testing.T, f *Fleet, r agent.Request) {
	t.Helper()
	if _, err := f.Ask(t.Context(), r); err != nil {
		t.Fatalf("%s: %v", r.Do, err)
	}
}

// whole waits until both ways are open, and not slow.
func whole(t *testing.T, f *Fleet, when string) {
	t.Helper()
	for _, way := range bothWays() {
		eventually(t, fmt.Sprintf("%v is open %s", way, when), func() error {
			took, err := connectFrom(t, f, way)
			if err == nil && took > delay {
				err = fmt.Errorf("it took %v", took)
			}
			return err
		})
	}
}

func cutAndMend(t *testing.T, f *Fleet) {
	askAgents(t, f, agent.Request{Do: agent.Cut, ID: "cut", Pairs: bothWays()})
	for _, way := range bothWays() {
		var silence net.Error
		if took, err := connectFrom(t, f, way); !errors.As(err, &silence) || !silence.Timeout() {
			t.Errorf("%v is cut, and answered in %v: %v", way, took, err)
		}
	}
	askAgents(t, f, agent.Request{Do: agent.Mend, ID: "cut"})
	whole(t, f, "after the heal")
}

// slowOneThatIsDown slows both ways while n2 is down, beside whose agent there
// is no other node.
func slowOneThatIsDown(t *testing.T, f *Fleet) {
	askAgents(t, f, agent.Request{Do: agent.Kill, Node: "n2"})
	askAgents(t, f, agent.Request{Do: agent.Slow, ID: "slow", Pairs: bothWays(), Slowdown: &agent.Slowdown{Delay: delay}})
	if err := f.Restart(t.Context(), "n2"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "n2 is back, and each way slow", func() error {
		took, err := connectFrom(t, f, [2]string{"n1", "n2"})
		if err == nil && took < 2*delay {
			t.Errorf("with a delay of %v both ways, connected in %v", delay, took)
		}
		return err
	})
	askAgents(t, f, agent.Request{Do: agent.Hasten, ID: "slow"})
	whole(t, f, "without the delay")
}

// delay is what packets are slowed by in this test.
const delay = 100 * time.Millisecond

// upAcross starts n1 on this machine's engine, and n2 on one that is on a host
// of its own, on a network of that kind; but for the hosts' own, n3 is with n1.
func upAcross(t *testing.T, network string) (f *Fleet, berths []Berth, name string) {
	t.Helper()
	first := engine(t)
	var number string
	t.Cleanup(func() { // after all is taken down
		if left := hostsMade(t, number, network); number != "" && len(left) > 0 {
			t.Errorf("left: %q", left)
		}
	})
	second, dir := secondEngineOn(t, network)
	number = strings.TrimPrefix(sharedNetwork(t, dir), "shakedown-shared-")
	if made := hostsMade(t, number, network); len(made) < 2 {
		t.Errorf("a host is made of %q only: what is left of one would not be seen", made)
	}
	if _, err := second.Image(t.Context(), abdBuild(), nil); err != nil {
		t.Fatal(err)
	}
	s := abdSpec(runName(t), abdImage(t, first), 3)
	berths = []Berth{{Engine: first, Name: "first", Nodes: []string{"n1", "n3"}}, {Engine: second, Name: "second", Nodes: []string{"n2"}}}
	name = sharedNetwork(t, dir)
	if network == "host" {
		text, err := os.ReadFile(filepath.Join(dir, "addresses"))
		if err != nil {
			t.Fatal(err)
		}
		at := strings.Fields(string(text))
		s.Nodes, berths[0].Nodes, name = []string{"n1", "n2"}, []string{"n1"}, network
		berths[0].Address, berths[1].Address = at[0], at[1]
	}
	s.Command, s.Peers = append(s.Command, "-listen=:"+farPort), "{name}=http://{ip}:"+farPort
	f, err := UpFleet(t.Context(), berths, name, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Down(context.Background()) })
	return f, berths, name
}

// hostsMade is what of this machine is made into a host that has a number, and,
// where the network is an overlay, into a swarm.
func hostsMade(t *testing.T, number, network string) (lines []string) {
	t.Helper()
	for _, look := range [][]string{{"ip", "netns"}, {"ip", "-o", "-brief", "link"}, {"docker", "info", "-f", "swarm {{.Swarm.LocalNodeState}}"}} {
		out, err := exec.Command(look[0], look[1:]...).Output()
		if err != nil {
			t.Errorf("look for what is left of a host: %v: %v", look, err)
		}
		for line := range strings.Lines(string(out)) {
			name, _, _ := strings.Cut(strings.Fields(line)[0], "@")
			ours := strings.HasPrefix(name, "shk-") && strings.HasSuffix(name, number)
			swarm := name == "docker_gwbridge" || strings.HasPrefix(line, "swarm active")
			if ours || swarm && network == "overlay" {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
	}
	return lines
}

// connectFrom opens a connection from the first node's network to the second
// one's process, and says how long that took.
func connectFrom(t *testing.T, f *Fleet, way [2]string) (time.Duration, error) {
	t.Helper()
	from := f.of(way[0])
	ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", inspect(t, from.engine, from.node(way[0]).id).State.Pid))
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	var took time.Duration
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // And never unlocked: the thread ends with the goroutine.
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- err
			return
		}
		begin := time.Now()
		c, err := net.DialTimeout("tcp4", net.JoinHostPort(f.Address(way[1]), farPort), 5*delay)
		if took = time.Since(begin); err == nil {
			err = c.Close()
		}
		done <- err
	}()
	err = <-done
	return took, err
}
