package etcd

import (
	"context"
	"encoding/json"
	"net"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// asked are operations of every workload, and how each ends when the node does
// not answer: what only reads, and what reads before it changes anything, has
// had no effect.
func asked() []struct {
	use, f, value string
	unanswered    history.Type
} {
	return []struct {
		use, f, value string
		unanswered    history.Type
	}{
		{"set", "add", "1", history.Info},
		{"set", "read", "", history.Fail},
		{"append", "txn", `[["append","x",1]]`, history.Fail},
		{"append", "txn", `[["r","x",null]]`, history.Fail},
		{"bank", "transfer", `{"from":0,"to":1,"amount":1}`, history.Fail},
		{"bank", "read", "", history.Fail},
		{"queue", "enqueue", "1", history.Info},
		{"queue", "dequeue", "", history.Fail},
		{"queue", "drain", "", history.Info},
		{"counter", "add", "1", history.Fail},
		{"unique-ids", "generate", "", history.Info},
		{"lock", "acquire", "1", history.Fail},
		{"lock", "release", "1", history.Info},
		{"lock", "write", "1", history.Fail},
		{"log", "send", "1", history.Fail},
		{"log", "poll", "", history.Fail},
		{"monotonic", "add", "", history.Fail},
		{"write-skew", "insert", "[1,null]", history.Fail},
		{"sequential", "write", "", history.Info},
		{"sequential", "read", "", history.Fail},
		{"causal-reverse", "write", "1", history.Info},
	}
}

func askOnce(t *testing.T, n client.Node, use, f, value string, within time.Duration) history.Op {
	t.Helper()
	c, err := New(scenarios.Client{}, scenarios.Workload{Use: use, Accounts: 2}).Open(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	op := history.Op{F: f, Key: "k"}
	if value != "" {
		op.Value = json.RawMessage(value)
	}
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	return c.Invoke(ctx, op)
}

// Nothing was sent where nothing listens, so nothing has happened.
func TestStoreNotSent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := client.Node{Name: "n1", IP: "127.0.0.1", Ports: map[string]int{"client": l.Addr().(*net.TCPAddr).Port}}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, a := range asked() {
		if got := askOnce(t, n, a.use, a.f, a.value, 200*time.Millisecond); got.Type != history.Fail {
			t.Errorf("%s %s where nothing listens: %v %s", a.use, a.f, got.Type, got.Error)
		}
	}
}

// A node that is frozen with a request under way may carry it out later.
func TestStoreUnanswered(t *testing.T) {
	n := startCluster(t, 1)[0]
	for _, a := range asked() {
		c, err := New(scenarios.Client{}, scenarios.Workload{Use: a.use, Accounts: 2}).Open(t.Context(), n.Node)
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "the client is connected", func(ctx context.Context) error {
			_, err := c.(*store).get(ctx, "x")
			return err
		})
		n.pause(t)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		op := history.Op{F: a.f, Key: "k"}
		if a.value != "" {
			op.Value = json.RawMessage(a.value)
		}
		got := c.Invoke(ctx, op)
		cancel()
		n.resume(t)
		if got.Type != a.unanswered {
			t.Errorf("%s %s, and the node is frozen: %v (%s), want %v", a.use, a.f, got.Type, got.Error, a.unanswered)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}
