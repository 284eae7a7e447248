package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/nemesis/agent"
	"github.com/shakedown-dev/shakedown/runner/client"
)

// A fake is a cluster of one shared register in memory, with an agent that
// remembers what it was asked. It is only for tests of the runner.
type fake struct {
	names []string

	mu       sync.Mutex
	values   map[string]json.RawMessage
	asked    []agent.Request
	cut      map[string][][2]string
	dead     map[string]bool
	frozen   map[string]bool
	offset   map[string]time.Duration
	down     int
	silent   map[string]bool // nodes that never get ready
	hang     map[string]bool // nodes whose clients ignore their deadline
	healErr  error
	exited   map[string]string
	latency  time.Duration
	noDrops  bool
	leader   string
	restarts []string
	refuses  string // a node whose clients are refused, and that is not ready after the first time
	ready    map[string]bool
}

func newFake(n int) *fake {
	f := &fake{
		values: map[string]json.RawMessage{}, cut: map[string][][2]string{}, dead: map[string]bool{},
		frozen: map[string]bool{}, offset: map[string]time.Duration{}, silent: map[string]bool{},
		hang: map[string]bool{}, exited: map[string]string{}, latency: 2 * time.Millisecond, leader: "n1",
	}
	for i := range n {
		f.names = append(f.names, fmt.Sprintf("n%d", i+1))
	}
	return f
}

func (f *fake) Nodes() []string         { return f.names }
func (f *fake) Address(n string) string { return "192.0.2." + n[1:] }

func (f *fake) Restart(_ context.Context, n string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead[n] {
		f.restarts = append(f.restarts, n)
	}
	delete(f.dead, n)
	return nil
}

func (f *fake) Exited(context.Context) (map[string]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.exited, nil
}

func (f *fake) Collect(_ context.Context, dir string) error {
	for _, n := range f.names {
		if err := os.MkdirAll(filepath.Join(dir, n), 0o700); err != nil {
			return err
		}
	}
	return nil
}

func (f *fake) Down(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down++
	return nil
}

func (f *fake) Ask(_ context.Context, r agent.Request) (agent.Reply, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, r)
	switch r.Do {
	case agent.Cut:
		f.cut[r.ID] = r.Pairs
	case agent.Mend:
		delete(f.cut, r.ID)
		return agent.Reply{Evidence: "no rule left"}, nil
	case agent.Dropped:
		if f.noDrops {
			return agent.Reply{}, nil
		}
		return agent.Reply{Evidence: "7 packets dropped", Number: 7}, nil
	case agent.Kill:
		f.dead[r.Node] = true
		return agent.Reply{Evidence: "pid 1 gone"}, nil
	case agent.Freeze:
		f.frozen[r.Node] = true
		return agent.Reply{Evidence: "frozen"}, nil
	case agent.Thaw:
		delete(f.frozen, r.Node)
		return agent.Reply{Evidence: "runs"}, nil
	case agent.SetClock:
		f.offset[r.Node] = r.Clock.Offset
	case agent.ResetClock:
		delete(f.offset, r.Node)
	case agent.ReadClock:
		offset, wrong := f.offset[r.Node]
		if !wrong {
			return agent.Reply{Evidence: "read back"}, nil
		}
		return agent.Reply{Evidence: "read back", Number: int64(offset), Clock: &agent.Clock{Offset: offset}}, nil
	case agent.Frozen:
		return agent.Reply{Evidence: "frozen"}, nil
	case agent.Heal:
		f.cut, f.frozen, f.offset = map[string][][2]string{}, map[string]bool{}, map[string]time.Duration{}
		return agent.Reply{Evidence: "nothing left"}, f.healErr
	}
	return agent.Reply{}, nil
}

// whole tells whether nothing is in force.
func (f *fake) whole() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.cut)+len(f.dead)+len(f.frozen)+len(f.offset) == 0
}

func (f *fake) Open(_ context.Context, n client.Node) (client.Client, error) {
	return &fakeClient{f: f, node: n.Name}, nil
}

func (f *fake) Ready(ctx context.Context, n client.Node) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.silent[n.Name] {
		return errors.New("it says nothing")
	}
	if f.refuses == n.Name && f.ready[n.Name] {
		return errRefused
	}
	if f.ready == nil {
		f.ready = map[string]bool{}
	}
	f.ready[n.Name] = true
	return ctx.Err()
}

func (f *fake) Leader(context.Context, []client.Node) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.leader == "" {
		return "", errors.New("nobody leads")
	}
	return f.leader, nil
}

type fakeClient struct {
	f    *fake
	node string
}

func (c *fakeClient) Close() error { return nil }

func (c *fakeClient) Invoke(ctx context.Context, op history.Op) history.Op {
	if !pauseFor(ctx, c.f.latency) || c.stuck() {
		if c.hangs() {
			time.Sleep(time.Hour)
		}
		<-ctx.Done()
		op.Type, op.Error = history.Info, "timed out"
		if op.F == "read" {
			op.Type = history.Fail
		}
		return op
	}
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	if c.node == c.f.refuses {
		op.Type, op.Error = history.Fail, errRefused.Error()
		return op
	}
	return c.f.apply(op)
}

func (c *fakeClient) hangs() bool {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	return c.f.hang[c.node]
}

// stuck tells whether the node does not answer now.
func (c *fakeClient) stuck() bool {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	if c.f.dead[c.node] || c.f.frozen[c.node] || c.f.hang[c.node] {
		return true
	}
	for _, cuts := range c.f.cut {
		if slices.ContainsFunc(cuts, func(p [2]string) bool { return p[0] == c.node }) {
			return true
		}
	}
	return false
}

func (f *fake) apply(op history.Op) history.Op {
	op.Type = history.OK
	switch op.F {
	case "read":
		op.Value = f.values[op.Key]
	case "write":
		f.values[op.Key] = op.Value
	case "cas":
		var both [2]json.RawMessage
		if err := json.Unmarshal(op.Value, &both); err != nil {
			op.Type, op.Error = history.Info, err.Error()
			return op
		}
		now := f.values[op.Key]
		if now == nil {
			now = json.RawMessage("null")
		}
		if string(both[0]) != string(now) {
			op.Type, op.Error = history.Fail, "value differed"
			return op
		}
		f.values[op.Key] = both[1]
	}
	return op
}
