package etcd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// openClient opens a client that is closed with the test.
func openClient(t *testing.T, s *System, n client.Node) client.Client {
	t.Helper()
	c, err := s.Open(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return c
}

// invoke carries out an operation, with a second's time.
func invoke(t *testing.T, c client.Client, f, key, value string) history.Op {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	return c.Invoke(ctx, operation(f, key, value))
}

func operation(f, key, value string) history.Op {
	op := history.Op{F: f, Key: key, Process: 3, Node: "n1", Time: 17, Index: 4, Type: history.Invoke}
	if value != "" {
		op.Value = json.RawMessage(value)
	}
	return op
}

// works waits until the client is connected and its node takes a write.
func works(t *testing.T, c client.Client) {
	t.Helper()
	eventually(t, "a write goes through", func(ctx context.Context) error {
		return endsAs(c.Invoke(ctx, operation("write", "works", "1")), history.OK)
	})
}

func TestRegister(t *testing.T) {
	n := startCluster(t, 1)[0]
	c := openClient(t, New(scenarios.Client{}, scenarios.Workload{}), n.Node)
	works(t, c)
	foreign := c.(*register).conn
	if _, err := foreign.Put(t.Context(), "foreign", `not "json"`); err != nil {
		t.Fatal(err)
	}
	for i, step := range []struct {
		f, key, value string
		want          history.Type
		wantValue     string
		wantError     string
	}{
		{"read", "r", "", history.OK, "null", ""},
		{"cas", "r", "[1, 2]", history.Fail, "[1,2,null]", "value differed: null"},
		{"write", "r", "1", history.OK, "1", ""},
		{"read", "r", "", history.OK, "1", ""},
		{"read", "r", "null", history.OK, "1", ""},
		{"cas", "r", "[1, 2]", history.OK, "[1, 2]", ""},
		{"cas", "r", "[1, 3]", history.Fail, "[1,3,2]", "value differed: 2"},
		{"cas", "r", "[null, 3]", history.Fail, "[null,3,2]", "value differed: 2"},
		{"read", "r", "", history.OK, "2", ""},
		{"cas", "fresh", "[null, 4]", history.OK, "[null, 4]", ""},
		{"read", "fresh", "", history.OK, "4", ""},
		{"write", "r", ` {"a": [1, 2]} `, history.OK, ` {"a": [1, 2]} `, ""},
		{"read", "r", "", history.OK, `{"a":[1,2]}`, ""},
		{"cas", "r", `[{"a":  [1,2]},"x"]`, history.OK, `[{"a":  [1,2]},"x"]`, ""},
		{"read", "r", "", history.OK, `"x"`, ""},
		{"read", "foreign", "", history.OK, `"not \"json\""`, ""},

		{"cas", "r", "7", history.Fail, "7", "a cas needs [old, new]"},
		{"cas", "r", "[1]", history.Fail, "[1]", "a cas needs [old, new]"},
		{"cas", "r", `["x",null]`, history.Fail, `["x",null]`, "null is no value"},
		{"write", "r", "", history.Fail, "", "null is no value"},
		{"write", "r", "null", history.Fail, "null", "null is no value"},
		{"write", "r", "{", history.Fail, "{", "value"},
		{"write", "", "1", history.Fail, "1", "key is not provided"},
		{"append", "r", "1", history.Fail, "1", `no operation "append"`},
		{"read", "r", "", history.OK, `"x"`, ""},
	} {
		got := invoke(t, c, step.f, step.key, step.value)
		if got.Type != step.want || string(got.Value) != step.wantValue || !strings.Contains(got.Error, step.wantError) ||
			(step.wantError == "") != (got.Error == "") {
			t.Errorf("step %d: %s %s %s = type %d, value %s, error %q; want type %d, value %s, error %q",
				i, step.f, step.key, step.value, got.Type, got.Value, got.Error, step.want, step.wantValue, step.wantError)
		}
		if got.F != step.f || got.Key != step.key || got.Process != 3 || got.Node != "n1" || got.Time != 17 || got.Index != 4 {
			t.Errorf("step %d: fields that are none of the client's were changed: %+v", i, got)
		}
	}
}

// TestKilledNode also shows that a client finds back to a node that restarted.
func TestKilledNode(t *testing.T) {
	n := startCluster(t, 1)[0]
	c := openClient(t, New(scenarios.Client{}, scenarios.Workload{}), n.Node)
	works(t, c)
	n.kill(t)
	eventually(t, "the client notices that nobody listens", func(ctx context.Context) error {
		op := c.Invoke(ctx, operation("write", "r", "1"))
		if !strings.Contains(op.Error, "not sent") || !strings.Contains(op.Error, "connection refused") {
			return errors.New(op.Error)
		}
		return endsAs(op, history.Fail)
	})
	for _, op := range []history.Op{invoke(t, c, "cas", "r", "[null,1]"), invoke(t, c, "read", "r", "")} {
		if err := endsAs(op, history.Fail); err != nil {
			t.Error(err)
		}
	}
	if err := New(scenarios.Client{}, scenarios.Workload{}).Ready(t.Context(), n.Node); err == nil {
		t.Error("a killed node is ready")
	}
	n.start(t)
	works(t, c)
	if op := invoke(t, c, "read", "r", ""); string(op.Value) != "null" {
		t.Errorf("read %s: an operation that was Fail has happened", op.Value)
	}
}

// TestPausedNode: what was sent to it is unknown, and does happen later.
func TestPausedNode(t *testing.T) {
	n := startCluster(t, 1)[0]
	s := New(scenarios.Client{}, scenarios.Workload{})
	c := openClient(t, s, n.Node)
	works(t, c)
	n.pause(t)
	if err := endsAs(invoke(t, c, "read", "r", ""), history.Fail); err != nil {
		t.Error(err)
	}
	if err := endsAs(invoke(t, c, "write", "r", "1"), history.Info); err != nil {
		t.Error(err)
	}
	// The kernel of a paused node takes connections, but nobody speaks on
	// them: no request is sent.
	late := openClient(t, s, n.Node)
	op := invoke(t, late, "write", "late", "1")
	if err := endsAs(op, history.Fail); err != nil || !strings.Contains(op.Error, "not sent") {
		t.Errorf("a write on no connection: %v, %q", err, op.Error)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := s.Ready(ctx, n.Node); err == nil {
		t.Error("a paused node is ready")
	}
	n.resume(t)
	works(t, c)
	works(t, late)
	if op := invoke(t, late, "read", "late", ""); string(op.Value) != "null" {
		t.Errorf("read %s: an operation that was Fail has happened", op.Value)
	}
}

func TestCanceled(t *testing.T) {
	n := startCluster(t, 1)[0]
	c := openClient(t, New(scenarios.Client{}, scenarios.Workload{}), n.Node)
	works(t, c)
	n.pause(t)
	for f, want := range map[string]history.Type{"read": history.Fail, "write": history.Info} {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan history.Op)
		go func() { done <- c.Invoke(ctx, operation(f, "r", "1")) }()
		select {
		case op := <-done:
			t.Errorf("%s on a paused node ended without a cause: %+v", f, op)
		case <-time.After(50 * time.Millisecond):
			cancel()
			if err := endsAs(<-done, want); err != nil {
				t.Error(err)
			}
		}
		cancel()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	op := c.Invoke(ctx, operation("write", "r", "1"))
	if err := endsAs(op, history.Fail); err != nil {
		t.Errorf("canceled before it began: %v", err)
	}
	n.resume(t)
}

// TestNoMajority pauses two of three nodes and lets the third answer.
func TestNoMajority(t *testing.T) {
	nodes := startCluster(t, 3)
	s := New(scenarios.Client{}, scenarios.Workload{})
	stale := New(scenarios.Client{SerializableReads: true}, scenarios.Workload{})
	c, serializable := openClient(t, s, nodes[0].Node), openClient(t, stale, nodes[0].Node)
	works(t, c)
	works(t, serializable)
	if err := endsAs(invoke(t, c, "write", "r", "1"), history.OK); err != nil {
		t.Fatal(err)
	}
	nodes[1].pause(t)
	nodes[2].pause(t)

	if err := endsAs(invoke(t, c, "write", "r", "2"), history.Info); err != nil {
		t.Error(err)
	}
	if err := endsAs(invoke(t, c, "cas", "r", "[1,3]"), history.Info); err != nil {
		t.Error(err)
	}
	if err := endsAs(invoke(t, c, "read", "r", ""), history.Fail); err != nil {
		t.Error(err)
	}
	op := invoke(t, serializable, "read", "r", "")
	if err := endsAs(op, history.OK); err != nil || string(op.Value) != "1" {
		t.Errorf("serializable read without a majority: %v, value %s", err, op.Value)
	}

	// A write is under way; the node dies with it.
	done := make(chan history.Op)
	go func() { done <- c.Invoke(t.Context(), operation("write", "r", "4")) }()
	select {
	case op := <-done:
		if op.Type == history.OK {
			t.Errorf("a write without a majority: %+v", op)
		}
		nodes[0].kill(t)
	case <-time.After(100 * time.Millisecond):
		nodes[0].kill(t)
		op := <-done
		if err := endsAs(op, history.Info); err != nil {
			t.Error(err)
		}
		t.Logf("the write of the killed node ended with %q", op.Error)
	}
}

// TestNoLeader: after two of three were killed and the third has lost hope, it
// must say nothing that turns out to be wrong.
func TestNoLeader(t *testing.T) {
	nodes := startCluster(t, 3)
	s := New(scenarios.Client{}, scenarios.Workload{})
	c := openClient(t, s, nodes[0].Node)
	works(t, c)
	nodes[1].kill(t)
	nodes[2].kill(t)
	eventually(t, "n1 knows no leader", func(ctx context.Context) error {
		if name, err := s.Leader(ctx, []client.Node{nodes[0].Node}); err == nil {
			return fmt.Errorf("the leader is %s", name)
		}
		return nil
	})
	op := invoke(t, c, "write", "r", "1")
	t.Logf("write without a leader: type %d, %q", op.Type, op.Error)
	if op.Type != history.Info && !strings.Contains(op.Error, "raft proposal dropped") {
		t.Errorf("write without a leader: type %d, %q", op.Type, op.Error)
	}
	nodes[1].start(t)
	nodes[2].start(t)
	works(t, c)
	read := invoke(t, c, "read", "r", "")
	if err := endsAs(read, history.OK); err != nil {
		t.Error(err)
	}
	if op.Type == history.Fail && string(read.Value) != "null" {
		t.Errorf("a write that was Fail has happened: read %s", read.Value)
	}
}

func TestLeader(t *testing.T) {
	nodes := startCluster(t, 3)
	s := New(scenarios.Client{}, scenarios.Workload{})
	all := []client.Node{nodes[0].Node, nodes[1].Node, nodes[2].Node}
	first := leads(t, s, all)
	byName := map[string]*node{}
	for _, n := range nodes {
		byName[n.Name] = n
	}

	var others []client.Node
	for _, n := range all {
		if n.Name != first {
			others = append(others, n)
		}
	}
	if name, err := s.Leader(t.Context(), others); err == nil || !strings.Contains(err.Error(), "none of the nodes") {
		t.Errorf("the leader, which was not asked, is %q, %v", name, err)
	}

	byName[first].pause(t)
	var second string
	eventually(t, "another node leads", func(ctx context.Context) error {
		name, err := s.Leader(ctx, all)
		if second = name; err == nil && name == first {
			return fmt.Errorf("%s leads, and is paused", name)
		}
		return err
	})
	byName[first].resume(t)
	if name := leads(t, s, all); name != second {
		t.Logf("the leader was %s, and is %s: there was another election", second, name)
	}

	for _, n := range nodes {
		n.kill(t)
	}
	if name, err := s.Leader(t.Context(), all); err == nil || !strings.Contains(err.Error(), "n3") {
		t.Errorf("of no nodes %q leads, %v", name, err)
	}
}

// leads returns the leader, and compares it with what the nodes themselves say.
func leads(t *testing.T, s *System, nodes []client.Node) string {
	t.Helper()
	var name string
	eventually(t, "one node says that it leads, and Leader finds it", func(ctx context.Context) error {
		var err error
		if name, err = s.Leader(ctx, nodes); err != nil {
			return err
		}
		for _, n := range nodes {
			if h := ask(ctx, n); h.err == nil && (h.member == h.leader) != (n.Name == name) {
				return fmt.Errorf("%s is said to lead; %s says about itself %+v", name, n.Name, h)
			}
		}
		return nil
	})
	return name
}

func TestOpenWithoutPort(t *testing.T) {
	n := client.Node{Name: "n7", IP: "127.0.0.1", Ports: map[string]int{"peer": 2380}}
	s := New(scenarios.Client{}, scenarios.Workload{})
	if c, err := s.Open(t.Context(), n); err == nil || !strings.Contains(err.Error(), "n7") {
		t.Errorf("open = %v, %v", c, err)
	}
	if err := s.Ready(t.Context(), n); err == nil || !strings.Contains(err.Error(), `no port named "client"`) {
		t.Errorf("ready: %v", err)
	}
	if name, err := s.Leader(t.Context(), []client.Node{n}); err == nil {
		t.Errorf("leader %s", name)
	}
}
