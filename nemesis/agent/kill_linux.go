package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

func (a *agent) kill(ctx context.Context, r Request) (Reply, error) {
	n, err := a.hold(ctx, r.Node)
	if err != nil {
		return Reply{}, err
	}
	defer n.mu.Unlock()
	if err := n.running(); err != nil {
		return Reply{Down: true}, err
	}
	victims, names, err := n.open(r.Process)
	if err != nil {
		return Reply{}, err
	}
	defer closeAll(victims)
	begin := time.Now()
	was, err := n.send(victims, unix.SIGKILL)
	if err != nil {
		return Reply{}, err
	}
	for _, p := range victims {
		if err := p.untilEnded(ctx); err != nil {
			return Reply{}, fmt.Errorf("process %d was killed but has not ended: %w", p.pid, err)
		}
	}
	took := time.Since(begin)
	reply := Reply{
		Evidence: fmt.Sprintf("pid %d gone after %v%s", victims[0].pid, round(took), was), Number: int64(len(victims)), Took: took,
	}
	if r.Process != "" {
		reply.Evidence = fmt.Sprintf("%s gone after %v%s", sayPrograms(names), round(took), was)
	}
	reply.Down = n.running() != nil
	return reply, n.afterDeath(ctx, a)
}

// afterDeath notes that the node is down, if it is, and else sees to it that
// what was thawed for the death stands still again.
func (n *node) afterDeath(ctx context.Context, a *agent) error {
	if n.running() != nil {
		return errors.Join(n.down(), a.place(ctx, n, nil, nil))
	}
	return n.freezeAgain(ctx)
}

func closeAll(all []*process) {
	for _, p := range all {
		p.close()
	}
}

// send sends a signal to processes, and thaws the node if it is frozen: the
// signal is there before they can do anything else.
func (n *node) send(to []*process, s unix.Signal) (was string, err error) {
	for _, p := range to {
		if err := p.signal(s); err != nil && !errors.Is(err, unix.ESRCH) {
			return "", err
		}
	}
	if !n.frozen.byFreezer() {
		return "", nil
	}
	return ", frozen until then", n.thawNow()
}

// stop sends SIGTERM and remembers to whom.
func (a *agent) stop(ctx context.Context, r Request) (Reply, error) {
	n, err := a.hold(ctx, r.Node)
	if err != nil {
		return Reply{}, err
	}
	defer n.mu.Unlock()
	if err := n.running(); err != nil {
		return Reply{Down: true}, err
	}
	told, names, err := n.open(r.Process)
	if err != nil {
		return Reply{}, err
	}
	was, err := n.send(told, unix.SIGTERM)
	if err != nil {
		closeAll(told)
		return Reply{}, err
	}
	closeAll(n.told[r.ID])
	n.told[r.ID] = told
	return Reply{Evidence: "SIGTERM sent to " + sayPrograms(names) + was, Number: int64(len(told))}, nil
}

// stopped looks at those who were told to stop. When all have ended they are
// forgotten.
func (a *agent) stopped(ctx context.Context, r Request) (Reply, error) {
	n, err := a.hold(ctx, r.Node)
	if err != nil {
		return Reply{}, err
	}
	defer n.mu.Unlock()
	told := n.told[r.ID]
	left := 0
	for _, p := range told {
		if p.alive() {
			left++
		}
	}
	if left > 0 {
		return Reply{Evidence: count(left, "process has", "processes have") + " not ended yet", Number: int64(left)}, nil
	}
	closeAll(told)
	delete(n.told, r.ID)
	down := n.running() != nil
	return Reply{Evidence: count(len(told), "process has", "processes have") + " ended", Down: down && len(told) > 0}, n.afterDeath(ctx, a)
}

func (a *agent) processes(ctx context.Context, r Request) (Reply, error) {
	n, err := a.hold(ctx, r.Node)
	if err != nil {
		return Reply{}, err
	}
	defer n.mu.Unlock()
	all, err := n.matching(r.Process)
	if err != nil {
		return Reply{}, err
	}
	return Reply{Evidence: sayPrograms(all), Number: int64(len(all))}, nil
}
