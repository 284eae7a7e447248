package runner

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// A losing fake loses its agent at some time; what that did stays until somebody
// recovers it.
type losing struct {
	*fake
	lost      chan struct{}
	dies      string // "over the healing" of everything, "after it"; empty: when the test says so
	recovered int
}

func (l *losing) Lost() <-chan struct{} { return l.lost }

func (l *losing) Ask(ctx context.Context, r agent.Request) (agent.Reply, error) {
	if l.recovered > 0 {
		return l.fake.Ask(ctx, r)
	}
	everything := r.Do == agent.Heal && r.ID == ""
	if everything && l.dies == "over the healing" {
		close(l.lost)
	}
	if everything && l.dies == "after it" {
		defer close(l.lost)
	}
	select {
	case <-l.lost:
		return agent.Reply{}, agent.ErrGone
	default:
		return l.fake.Ask(ctx, r)
	}
}

func (l *losing) Recover(ctx context.Context) error {
	l.recovered++
	l.lost = make(chan struct{}) // the next one's
	_, err := l.fake.Ask(ctx, agent.Request{Do: agent.Heal})
	return err
}

// A run whose agent dies in mid-storm ends at once, with everything healed, as
// one whose environment failed.
func TestLostAgentEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &losing{fake: newFake(5), lost: make(chan struct{})}
		time.AfterFunc(8*time.Second, func() { close(l.lost) })
		begin := time.Now()
		tr := tryOn(t, stormy(), l, l.fake, t.Context(), nil)
		var env *EnvError
		if !errors.As(tr.err, &env) || !errors.Is(tr.err, errLost) {
			t.Errorf("err %v", tr.err)
		}
		if l.recovered != 1 || !l.whole() || l.down != 1 {
			t.Errorf("recovered %d times, whole %v, taken down %d times", l.recovered, l.whole(), l.down)
		}
		if took := time.Since(begin); took > 15*time.Second {
			t.Errorf("it went on for %v after 8s", took)
		}
		if tr.history.Ended() {
			t.Error("the history says that the run came to its end")
		}
		for _, op := range tr.history.Ops {
			if op.Type == history.Invoke && op.Final {
				t.Error("there are final reads of a run that could not go on")
			}
		}
	})
}

// An agent that dies after the storm has another one in its place, too: over the
// healing of everything, or later, when nodes that are kept would keep its rules.
func TestLostAgentAfterTheStorm(t *testing.T) {
	for _, moment := range []string{"over the healing", "after it"} {
		t.Run(moment, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &losing{fake: newFake(5), lost: make(chan struct{}), dies: moment}
				tr := tryOn(t, stormy(), l, l.fake, t.Context(), nil)
				if !errors.Is(tr.err, errLost) || l.recovered != 1 || !l.whole() || l.down != 1 {
					t.Errorf("err %v, recovered %d times, whole %v, taken down %d times", tr.err, l.recovered, l.whole(), l.down)
				}
			})
		})
	}
}
