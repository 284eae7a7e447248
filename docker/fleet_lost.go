package docker

import (
	"context"
	"sync"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// A roundsman waits for the first of a fleet's agents to die.
type roundsman struct {
	lost, over  chan struct{}
	found, sent sync.Once
	rounds      sync.WaitGroup
}

func watchOver(clusters []*Cluster) *roundsman {
	r := &roundsman{lost: make(chan struct{}), over: make(chan struct{})}
	for _, c := range clusters {
		gone := c.Lost()
		r.rounds.Go(func() {
			select {
			case <-gone:
				r.found.Do(func() { close(r.lost) })
			case <-r.over:
			}
		})
	}
	return r
}

// end ends the watch; it may be called again.
func (r *roundsman) end() {
	r.sent.Do(func() { close(r.over) })
	r.rounds.Wait()
}

// Lost is closed when the agent at one of the engines has died though nobody
// told it to.
func (f *Fleet) Lost() <-chan struct{} { return f.agents.lost }

// Recover is [Cluster.Recover] at the engines whose agents are lost; the others
// are asked to heal everything.
func (f *Fleet) Recover(ctx context.Context) error {
	return f.each(func(c *Cluster) error {
		select {
		case <-c.Lost():
			return c.Recover(ctx)
		default:
			_, err := c.Ask(ctx, agent.Request{Do: agent.Heal})
			return err
		}
	})
}
