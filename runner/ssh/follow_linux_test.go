package ssh

import (
	"bufio"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
	"github.com/shakedown-dev/shakedown/runner"
)

var _ runner.LogFollower = (*Cluster)(nil)

// What a node on a host logs is heard, also when it has started again, and the
// end of the following is the end of it.
func TestFollowOnHosts(t *testing.T) {
	c := up(t, newHarbour(t, 1).spec(t))
	if _, err := c.Follow(t.Context(), "n9"); err == nil {
		t.Error("the log of no node is followed")
	}
	stream, err := c.Follow(t.Context(), "n1")
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 100)
	go func() {
		defer close(heard)
		for lines := bufio.NewScanner(stream); lines.Scan(); {
			heard <- lines.Text()
		}
	}()
	for range 20 { // the first start may come before the host follows
		ask(t, c, agent.Request{Do: agent.Kill, ID: "k", Node: "n1"})
		if err := c.Restart(t.Context(), "n1"); err != nil {
			t.Fatal(err)
		}
		select {
		case line := <-heard:
			if !strings.Contains(line, "listening at") {
				t.Errorf("heard %q", line)
			}
			if err := stream.Close(); err != nil {
				t.Error(err)
			}
			for range heard { // until it ends
			}
			return
		case <-time.After(2 * time.Second):
		}
	}
	t.Error("nothing was heard")
}
