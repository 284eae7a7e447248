package agent

import (
	"context"
	"fmt"
	"time"
)

const (
	// watch is how long a frozen node is watched for using the processor.
	watch = 20 * time.Millisecond
	// thawing is the deadline of taking a freeze back.
	thawing = 3 * time.Second
)

func (a *agent) freeze(ctx context.Context, r Request) (Reply, error) {
	n, err := a.hold(ctx, r.Node)
	if err != nil {
		return Reply{}, err
	}
	defer n.mu.Unlock()
	if err := n.running(); err != nil {
		return Reply{}, err
	}
	if err := n.group.Apart(); err != nil {
		return Reply{}, fmt.Errorf("refused: %w", err)
	}
	begin := time.Now()
	if err := n.group.Freeze(ctx); err != nil {
		return Reply{}, err
	}
	took := time.Since(begin)
	evidence, err := n.standsStill()
	if err != nil {
		if len(n.frozen) == 0 {
			err = fmt.Errorf("%w (thawed again: %v)", err, n.thawNow())
		}
		return Reply{}, err
	}
	n.frozen[r.ID] = true
	return Reply{Evidence: evidence, Took: took}, nil
}

// standsStill watches the node for a moment.
func (n *node) standsStill() (string, error) {
	pids, err := n.group.Processes()
	if err != nil {
		return "", err
	}
	before := cpuTime(pids)
	time.Sleep(watch)
	if used := cpuTime(pids) - before; used != 0 {
		return "", fmt.Errorf("%s is frozen but used %v of the processor in %v", n.name, used, watch)
	}
	state, err := n.group.State()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("freezer %s (cgroup v%d), no cpu time used by %s in %v",
		state, n.group.Version, count(len(pids), "process", "processes"), watch), nil
}

func (a *agent) thaw(ctx context.Context, r Request) (Reply, error) {
	n, err := a.hold(ctx, r.Node)
	if err != nil {
		return Reply{}, err
	}
	defer n.mu.Unlock()
	if !n.frozen[r.ID] {
		return Reply{Evidence: "not frozen by it"}, nil
	}
	if others := len(n.frozen) - 1; others > 0 {
		delete(n.frozen, r.ID)
		return Reply{Evidence: "still frozen by " + count(others, "other", "others")}, nil
	}
	begin := time.Now()
	if err := n.thawAll(); err != nil {
		return Reply{}, err
	}
	return Reply{
		Evidence: fmt.Sprintf("freezer THAWED (cgroup v%d)", n.group.Version),
		Took:     time.Since(begin),
	}, nil
}

// thawAll lets the node run whoever froze it. On error it stays frozen by
// them, so that it can be tried again.
func (n *node) thawAll() error {
	if len(n.frozen) == 0 {
		return nil
	}
	if err := n.thawNow(); err != nil {
		return err
	}
	clear(n.frozen)
	return nil
}

// thawNow has a deadline of its own: it is also done when time is up.
func (n *node) thawNow() error {
	ctx, cancel := context.WithTimeout(context.Background(), thawing)
	defer cancel()
	return n.group.Thaw(ctx)
}
