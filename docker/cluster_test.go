package docker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

func TestSpecIsChecked(t *testing.T) {
	many := make([]string, maxNodes+1)
	for i := range many {
		many[i] = strings.Repeat("n", i/26+1) + string(rune('a'+i%26))
	}
	for name, s := range map[string]Spec{
		"no run":       {Nodes: []string{"n1"}},
		"no nodes":     {Run: "r"},
		"too many":     {Run: "r", Nodes: many},
		"twice":        {Run: "r", Nodes: []string{"n1", "n1"}},
		"no host name": {Run: "r", Nodes: []string{"n_1"}},
		"the agent":    {Run: "r", Nodes: []string{"agent"}},
		"empty name":   {Run: "r", Nodes: []string{""}},
	} {
		if _, err := (&Engine{}).Up(t.Context(), s, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestUpAndDown(t *testing.T) {
	e := engine(t)
	s := abdSpec(runName(t), abdImage(t, e), 3)
	c := up(t, e, s)
	write(t, c, "n1", "x", "17")
	read(t, c, "n3", "x", "17")

	things, err := e.list(t.Context(), s.Run)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, th := range things {
		kinds[th.kind]++
	}
	if kinds["container"] != 4 || kinds["network"] != 1 || kinds["volume"] != 3 {
		t.Errorf("made %v, want 3 nodes and an agent, a network, 3 volumes", kinds)
	}
	i := inspect(t, e, c.node("n2").id)
	if i.Config.Hostname != "n2" || i.HostConfig.Memory != s.MemoryBytes || i.HostConfig.MemorySwap != s.MemoryBytes ||
		i.HostConfig.NanoCPUs != 5e8 || i.HostConfig.Privileged || i.HostConfig.RestartPolicy.Name != "no" {
		t.Errorf("n2 runs as %+v with %+v", i.Config, i.HostConfig.Resources)
	}
	if exited, err := c.Exited(t.Context()); err != nil || len(exited) != 0 {
		t.Errorf("exited: %v, %v", exited, err)
	}
	for range 2 { // twice is no error
		if err := c.Down(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	nothingLeft(t, e, s.Run)
}

func TestTwoClustersAtOnce(t *testing.T) {
	e := engine(t)
	img := abdImage(t, e)
	for _, name := range []string{"a", "b"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := up(t, e, abdSpec(runName(t), img, 2))
			write(t, c, "n1", "who", name)
			read(t, c, "n2", "who", name)
		})
	}
}

func TestNodeThatDiesAtStart(t *testing.T) {
	e := engine(t)
	s := abdSpec(runName(t), abdImage(t, e), 3)
	s.Command = append(s.Command, "-no-such-flag-of-{name}")
	c, err := e.Up(t.Context(), s, nil)
	if err == nil { // on a machine so slow that they did not even get to end
		defer c.Down(context.Background())
		eventually(t, "a node ends", func() error {
			exited, err := c.Exited(t.Context())
			for node, how := range exited {
				return checkHowEnded(node, how)
			}
			return errors.Join(err, errors.New("not yet"))
		})
		return
	}
	var known *Error
	if !errors.As(err, &known) || known.Hint == "" {
		t.Errorf("got %v, want an *Error with a hint", err)
	}
	_, node, _ := strings.Cut(err.Error(), "start node ")
	if err := checkHowEnded(node[:2], err.Error()); err != nil {
		t.Error(err)
	}
	nothingLeft(t, e, s.Run)
}

func checkHowEnded(node, how string) error {
	for _, want := range []string{"exit code 1", "flag provided but not defined: -no-such-flag-of-" + node} {
		if !strings.Contains(how, want) {
			return fmt.Errorf("%s: %q is not in: %s", node, want, how)
		}
	}
	return nil
}

func TestFirstOfManyErrors(t *testing.T) {
	c := &Cluster{nodes: []*node{{name: "n1"}, {name: "n2"}, {name: "n3"}}}
	one, two := errors.New("one"), errors.New("two")
	for _, tc := range []struct {
		errs []error
		want string
	}{
		{[]error{nil, one, nil}, "one"},
		{[]error{one, nil, two}, "one\nnot only this node: also n3"},
		{[]error{one, two, two}, "one\nnot only this node: also n2, n3"},
	} {
		if err := c.firstOf(tc.errs); !errors.Is(err, one) || err.Error() != tc.want {
			t.Errorf("got %q, want %q", err, tc.want)
		}
	}
	if err := c.firstOf([]error{nil, nil, nil}); err != nil {
		t.Error(err)
	}
}

func TestCommandThatIsNotInTheImage(t *testing.T) {
	e := engine(t)
	s := abdSpec(runName(t), abdImage(t, e), 1)
	s.Command = []string{"/bin/sh"}
	_, err := e.Up(t.Context(), s, nil)
	if err == nil || !strings.Contains(err.Error(), "start node n1") || !strings.Contains(err.Error(), "/bin/sh") {
		t.Errorf("got %v", err)
	}
	nothingLeft(t, e, s.Run)
}

func TestUpStopsWhenAsked(t *testing.T) {
	e := engine(t)
	s := abdSpec(runName(t), abdImage(t, e), 2)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := e.Up(ctx, s, func(string) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	nothingLeft(t, e, s.Run)
}

func TestRestartKeepsAddressAndData(t *testing.T) {
	e := engine(t)
	c := up(t, e, abdSpec(runName(t), abdImage(t, e), 3))
	write(t, c, "n2", "x", "1")
	address := c.Address("n2")
	for _, kill := range []func() error{
		func() error {
			_, err := c.Ask(t.Context(), agent.Request{Do: agent.Kill, Node: "n2"})
			return err
		},
		func() error { return e.api.ContainerKill(t.Context(), c.node("n2").id, "KILL") }, // behind our back
	} {
		before := inspect(t, e, c.node("n2").id).State.Pid
		if err := kill(); err != nil {
			t.Fatal(err)
		}
		if err := c.Restart(t.Context(), "n2"); err != nil {
			t.Fatal(err)
		}
		after := inspect(t, e, c.node("n2").id)
		if after.State.Pid == before || !after.State.Running {
			t.Errorf("process %d before, %d after", before, after.State.Pid)
		}
		if got := after.NetworkSettings.Networks[dockerName(c.spec.Run)].IPAddress; got != address {
			t.Errorf("address %s became %s", address, got)
		}
	}
	if err := c.Restart(t.Context(), "n2"); err != nil {
		t.Errorf("restarting a node that runs: %v", err)
	}
	// Only n2 has it: what it answers is from its disk.
	for _, other := range []string{"n1", "n3"} {
		if _, err := c.Ask(t.Context(), agent.Request{Do: agent.Kill, Node: other}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "n2 has its data", func() error {
		_, text, err := request(t.Context(), "GET", "http://"+address+":8080/peer/x", "")
		if err == nil && !strings.Contains(text, `"value":"1"`) {
			err = errors.New("it has " + text)
		}
		return err
	})
	eventually(t, "two nodes are seen to be down", func() error {
		exited, err := c.Exited(t.Context())
		if err == nil && (len(exited) != 2 || !strings.Contains(exited["n1"], "exit code 137") || !strings.Contains(exited["n3"], "serves on")) {
			t.Logf("exited: %v", exited)
			err = errors.New("not yet")
		}
		return err
	})
}

func TestRestartOfNoNode(t *testing.T) {
	if err := (&Cluster{}).Restart(t.Context(), "n9"); err == nil {
		t.Error("restarted a node that there is not")
	}
	if got := (&Cluster{}).Address("n9"); got != "" {
		t.Errorf("it has the address %q", got)
	}
}

func TestAgentCutsTheNetwork(t *testing.T) {
	e := engine(t)
	c := up(t, e, abdSpec(runName(t), abdImage(t, e), 3))
	write(t, c, "n1", "x", "1")
	pairs := [][2]string{{"n1", "n2"}, {"n2", "n1"}, {"n1", "n3"}, {"n3", "n1"}}
	if _, err := c.Ask(t.Context(), agent.Request{Do: agent.Cut, ID: "cut#1", Pairs: pairs}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "n1 is alone", func() error {
		code, _, err := request(t.Context(), "GET", "http://"+c.Address("n1")+":8080/kv/x", "")
		if err == nil && code != 503 {
			err = errors.New("it still answers")
		}
		return err
	})
	write(t, c, "n2", "x", "2")
	if _, err := c.Ask(t.Context(), agent.Request{Do: agent.Mend, ID: "cut#1"}); err != nil {
		t.Fatal(err)
	}
	read(t, c, "n1", "x", "2")
}

func TestAskReturnsTheAgentsError(t *testing.T) {
	e := engine(t)
	c := up(t, e, abdSpec(runName(t), abdImage(t, e), 1))
	if _, err := c.Ask(t.Context(), agent.Request{Do: "dance"}); err == nil || !strings.Contains(err.Error(), "dance") {
		t.Errorf("got %v", err)
	}
}

func TestCollect(t *testing.T) {
	e := engine(t)
	c := up(t, e, abdSpec(runName(t), abdImage(t, e), 2))
	dir := t.TempDir()
	eventually(t, "logs of both nodes", func() error {
		if err := c.Collect(t.Context(), dir); err != nil {
			return err
		}
		for _, n := range c.Nodes() {
			text, err := os.ReadFile(filepath.Join(dir, n, "stderr.log"))
			if err != nil {
				return err
			}
			if !strings.Contains(string(text), n+" serves on") {
				return errors.New(n + " has not logged yet")
			}
			if i, err := os.ReadFile(filepath.Join(dir, n, "inspect.json")); err != nil || !strings.Contains(string(i), `"shakedown.node": "`+n+`"`) {
				t.Errorf("inspect.json of %s: %v %s", n, err, i)
			}
			if out, err := os.ReadFile(filepath.Join(dir, n, "stdout.log")); err != nil || len(out) != 0 {
				t.Errorf("stdout.log of %s: %v %q", n, err, out)
			}
		}
		return nil
	})
}

func TestCollectWithoutAPlaceToWrite(t *testing.T) {
	e := engine(t)
	c := up(t, e, abdSpec(runName(t), abdImage(t, e), 1))
	notADir := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(notADir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Collect(t.Context(), notADir); err == nil {
		t.Error("no error")
	}
}

// TestAgentDiesWithItsOrchestrator kills an orchestrator as kill -9 does. Its
// agent must end by itself; the rest is for Sweep.
func TestAgentDiesWithItsOrchestrator(t *testing.T) {
	e := engine(t)
	run := runName(t)
	t.Cleanup(func() {
		if _, err := e.Sweep(context.Background(), SweepOptions{Run: run}); err != nil {
			t.Error(err)
		}
		nothingLeft(t, e, run)
	})
	o := exec.CommandContext(t.Context(), "/proc/self/exe", "orchestrator", run)
	o.Stderr = os.Stderr
	stdin, err1 := o.StdinPipe() // held open, so that it waits
	stdout, err2 := o.StdoutPipe()
	if err := errors.Join(err1, err2, o.Start()); err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "up\n" {
		t.Fatal("the orchestrator did not come up: ", line, err, o.Wait())
	}
	agents := func() int {
		things, err := e.list(t.Context(), run)
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		for _, th := range things {
			if th.labels[labelRole] == roleAgent {
				count++
			}
		}
		return count
	}
	if agents() != 1 {
		t.Fatal("there is no agent to begin with")
	}
	// While the orchestrator lives, a sweep of everything leaves the run alone.
	swept, err := e.Sweep(t.Context(), SweepOptions{DryRun: true})
	if err != nil || sweptOf(swept, run) != 0 {
		t.Errorf("a sweep would take %d things of a run that goes on (%v)", sweptOf(swept, run), err)
	}
	if err := o.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = o.Wait() // it was killed, and says so
	eventually(t, "the agent ends", func() error {
		if n := agents(); n != 0 {
			return errors.New("it is still there")
		}
		return nil
	})
	swept, err = e.Sweep(t.Context(), SweepOptions{DryRun: true})
	if err != nil || sweptOf(swept, run) != 5 {
		t.Errorf("a sweep would take %d things of the run, want 2 nodes, 2 volumes, a network (%v)", sweptOf(swept, run), err)
	}
}

func sweptOf(swept []Swept, run string) int {
	count := 0
	for _, s := range swept {
		if s.Run == run {
			count++
		}
	}
	return count
}
