package docker

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// TestMain lets the test binary stand in for the program: in an agent's
// container it is the agent, and as "up" it is an orchestrator to be killed.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "agent":
			if err := fakeAgent(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			return
		}
	}
	os.Exit(m.Run())
}

func fakeAgent() error {
	out := json.NewEncoder(os.Stdout)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var r agent.Request
		if err := json.Unmarshal(in.Bytes(), &r); err != nil {
			return err
		}
		if err := out.Encode(agent.Reply{Seq: r.Seq}); err != nil {
			return err
		}
	}
	return nil
}

func TestScratch(t *testing.T) {
	ctx := context.Background()
	e, err := Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	img, err := e.Image(ctx, Build{Recipe: "abd", Binary: "/abd", Source: os.DirFS("images/abd")}, func(s string) { t.Log(s) })
	if err != nil {
		t.Fatal(err)
	}
	t.Log(img)
	c, err := e.Up(ctx, Spec{Run: "scratch", Scenario: "x", Nodes: []string{"n1", "n2", "n3", "n4", "n5"}, Image: img.Ref,
		Command: []string{"/abd", "-name={name}", "-peers={peers}", "-data=/data"}, Peers: "{name}=http://{ip}:8080", Data: "/data", CPUs: 0.5, MemoryBytes: 128 << 20},
		func(s string) { t.Log(s) })
	if err != nil {
		t.Fatal(err)
	}
	t.Log("up")
	x, err := c.Exited(ctx)
	t.Log(x, err)
	if err := c.Collect(ctx, t.TempDir()); err != nil {
		t.Error(err)
	}
	t.Log("collected")
	if err := c.Down(ctx); err != nil {
		t.Fatal(err)
	}
	t.Log("down")
}
