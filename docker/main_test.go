package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// TestMain lets the test binary stand in for the program: in its container it
// is the agent, and as "orchestrator" it starts a cluster, says so, and waits
// to be killed.
func TestMain(m *testing.M) {
	if len(os.Args) < 2 {
		os.Exit(m.Run())
	}
	var err error
	switch os.Args[1] {
	case "agent":
		err = agent.Serve(context.Background(), os.Stdin, os.Stdout)
	case "agent-probe-child":
		err = probeChild()
	case "version":
		fmt.Println("a test of shakedown")
	case "orchestrator":
		err = orchestrate(os.Args[2])
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// probeChild is what the program does by that name: with --idle nothing.
func probeChild() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if len(os.Args) > 2 && os.Args[2] == "--idle" {
		<-ctx.Done()
		return nil
	}
	return agent.ProbeChild(ctx, os.Stdin, os.Stdout)
}

// orchestrate starts a cluster, prints a line, and waits for ever.
func orchestrate(run string) error {
	ctx := context.Background()
	e, err := Open(ctx)
	if err != nil {
		return err
	}
	img, err := e.Image(ctx, abdBuild(), nil)
	if err != nil {
		return err
	}
	if _, err := e.Up(ctx, abdSpec(run, img, 2), nil); err != nil {
		return err
	}
	fmt.Println("up")
	_, err = os.Stdin.Read(make([]byte, 1))
	return errors.Join(errors.New("nobody killed this orchestrator"), err)
}
