package runner

import (
	"context"
	"errors"
)

// A Losable is a [Cluster] whose agent can die on its own.
type Losable interface {
	// Lost is closed when the agent is gone though nobody told it to.
	Lost() <-chan struct{}
	// Recover gives the nodes another agent, and leaves nothing in force of
	// what the dead one did.
	Recover(ctx context.Context) error
}

// errLost is why a run whose agent has died cannot go on: what was in force, and
// until when, nobody can tell any more.
var errLost = errors.New("the agent died, and with it what it knew of the faults")

// watchAgent ends the storm when the agent is lost, and with it the context in
// which it heals. The function that it returns ends the watch.
func (r *run) watchAgent(ctx context.Context) (healing context.Context, stop func()) {
	healing, cancel := context.WithCancel(ctx)
	c, ok := r.cluster.(Losable)
	if !ok {
		return healing, cancel
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-c.Lost():
			r.say("stop", "%v: the storm ends", errLost)
			r.rec.end(errLost)
			cancel()
		case <-healing.Done():
		}
	}()
	return healing, func() {
		cancel()
		<-done
	}
}

// lost is an error if the agent has died. Then another one takes its place.
func (r *run) lost(ctx context.Context) error {
	c, ok := r.cluster.(Losable)
	if !ok {
		return nil
	}
	select {
	case <-c.Lost():
	default:
		return nil
	}
	if err := c.Recover(ctx); err != nil {
		r.problem("after the agent's death: %v", err)
	}
	return &EnvError{Doing: "hurt the nodes", Err: errLost,
		Hint: "was it killed, did the engine's host run out of memory (dmesg may know), or did the way to the engine break?"}
}

// saidOnce adds that the agent has died to why a run ended, unless that is said.
func saidOnce(ended, lost error) error {
	if errors.Is(ended, errLost) {
		return ended
	}
	return errors.Join(ended, lost)
}

// lostLate is an error if the agent has died since everything was healed. It
// served the nodes' disks to the end, and its rules would stay with nodes that
// are kept.
func (r *run) lostLate(ctx context.Context) error {
	healing, cancel := context.WithTimeout(context.WithoutCancel(ctx), healWithin)
	defer cancel()
	return r.lost(healing)
}
