package runner

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/nemesis/agent"
	"github.com/shakedown-dev/shakedown/runner/client"
)

// A buggy fake panics where it is told to.
type buggy struct {
	*fake
	client, final, ready bool
	verb                 string
}

func (b *buggy) Ask(ctx context.Context, r agent.Request) (agent.Reply, error) {
	reply, err := b.fake.Ask(ctx, r)
	if r.Do == b.verb {
		panic("the mast is broken")
	}
	return reply, err
}

func (b *buggy) Ready(ctx context.Context, n client.Node) error {
	if b.ready {
		panic("the mast is broken")
	}
	return b.fake.Ready(ctx, n)
}

func (b *buggy) Open(ctx context.Context, n client.Node) (client.Client, error) {
	c, err := b.fake.Open(ctx, n)
	return buggyClient{c, b}, err
}

type buggyClient struct {
	client.Client
	b *buggy
}

func (c buggyClient) Invoke(ctx context.Context, op history.Op) history.Op {
	if c.b.client || c.b.final && op.Final {
		panic("the mast is broken")
	}
	return c.Client.Invoke(ctx, op)
}

// A panic in whatever goroutine of a run is returned as a bug, after everything
// was healed and taken down, and at once.
func TestPanicsHealAndAreReturned(t *testing.T) {
	for name, b := range map[string]*buggy{
		"a client":                {client: true},
		"a client that reads":     {final: true},
		"a question for health":   {ready: true},
		"an injection":            {verb: agent.Cut},
		"a look at what it does":  {verb: agent.Dropped},
		"the heal of one of them": {verb: agent.ResetClock},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b.fake = newFake(5)
				tr := tryOn(t, stormy(), b, b.fake, t.Context(), nil)
				var bug *nemesis.PanicError
				if !errors.As(tr.err, &bug) || bug.Value != "the mast is broken" || len(bug.Stack) == 0 {
					t.Errorf("err %v", tr.err)
				}
				if !b.whole() || b.down != 1 {
					t.Errorf("whole %v, taken down %d times", b.whole(), b.down)
				}
			})
		})
	}
}
