package agent

import (
	"context"
	"errors"
	"slices"
	"time"
)

// reconcile does to processes that have appeared since, and to nodes that could
// not be reached then, what is wanted of their node, and keeps clocks from
// ending.
func (a *agent) reconcile(ctx context.Context) {
	tick := time.NewTicker(reconcileEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			for _, n := range a.all() {
				_, err := guarded("reconcile", func() (any, error) { return nil, n.reconcile(ctx) })
				a.complain(err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// reconcile leaves a node alone that somebody is at work on.
func (n *node) reconcile(ctx context.Context) error {
	if !n.mu.TryLock() {
		return nil
	}
	defer n.mu.Unlock()
	if n.running() != nil {
		return nil
	}
	return errors.Join(n.reconcileClocks(ctx), n.reconcileLimits(), n.reconcileStandstills(ctx))
}

// reconcileStandstills leaves what failed alone for a while.
func (n *node) reconcileStandstills(ctx context.Context) error {
	if len(n.frozen) == 0 || time.Now().Before(n.freezeAfter) {
		return nil
	}
	err := n.freezeAgain(ctx)
	if err != nil {
		n.freezeAfter = time.Now().Add(retryAfter)
	}
	return err
}

func (n *node) reconcileClocks(ctx context.Context) error {
	if !n.clock.wanted() && len(n.clock.seen) == 0 {
		return nil
	}
	pids, err := n.processes()
	if err != nil {
		return err
	}
	for pid := range n.clock.seen {
		if !slices.Contains(pids, pid) {
			n.clock.drop(pid)
		}
	}
	for _, pid := range pids {
		if w := n.clock.seen[pid]; w != nil && time.Now().Before(w.after) {
			continue
		}
		if failed := n.setClock(ctx, pid); failed != nil && !vanished(pid, failed) {
			n.clock.failed(pid)
			if !errors.Is(failed, errFrozen) {
				err = errors.Join(err, failed)
			}
		}
	}
	return err
}
