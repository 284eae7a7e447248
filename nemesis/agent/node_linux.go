package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/cgroup"
)

// A node is one node, its main process if it runs, and what is wanted of it.
type node struct {
	name string
	run  string // of which it is a node; empty if nobody said

	mu          sync.Mutex
	main        *process // nil: the node is down
	group       cgroup.Group
	ns          *os.File              // its network namespace; nil if it is down or has none of its own
	frozen      standstills           // what is wanted to stand still
	stopped     map[int]*halted       // what does by SIGSTOP, by pid
	told        map[string][]*process // who was told to stop, by ID
	freezeAfter time.Time             // not to be frozen again before, since it failed
	limits      limits
	clock       clock
	settled     []settlement // the groups that were made for it
}

// register notes a node, or that it runs another process now, or none. What is
// wanted of its clock is done to the new process at once.
func (a *agent) register(ctx context.Context, r Request) (Reply, error) {
	addresses, err := parseAddresses(r.Addresses)
	if err != nil {
		return Reply{}, err
	}
	if err := a.cuts().SetAddresses(ctx, r.Node, addresses); err != nil {
		return Reply{}, err
	}
	a.know(r.Node)
	n, err := a.hold(ctx, r.Node)
	if err != nil {
		return Reply{}, err
	}
	defer n.mu.Unlock()
	if r.Pid == 0 {
		err := n.down()
		return Reply{Evidence: "down"}, errors.Join(err, a.place(ctx, n, nil, addresses))
	}
	n.run = a.whichRun()
	before := n.main
	if err := n.runs(r.Pid); err != nil {
		return Reply{}, err
	}
	if a.host && !a.apart { // A container has groups of its own.
		if err := n.settle(ctx, r.Pid); err != nil {
			return Reply{}, err
		}
	}
	if err := a.place(ctx, n, before, addresses); err != nil {
		return Reply{}, err
	}
	evidence := fmt.Sprintf("pid %d in cgroup %s", r.Pid, n.group.Path)
	if n.clock.wanted() {
		seen, err := n.setClocks(ctx)
		evidence += ", " + seen.String()
		if err != nil { // It may not have executed the node's program yet.
			evidence = fmt.Sprintf("pid %d, whose clock could not be set yet: %v", r.Pid, err)
		}
	}
	if err := errors.Join(n.limitAgain(), n.freezeAgain(ctx)); err != nil {
		evidence += fmt.Sprintf(", to be limited or frozen later: %v", err)
	}
	return Reply{Evidence: evidence, Number: int64(r.Pid)}, nil
}

// know makes a node of that name, unless there is one.
func (a *agent) know(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.nodes[name] == nil {
		a.nodes[name] = &node{
			name: name, frozen: standstills{}, stopped: map[int]*halted{}, told: map[string][]*process{},
		}
	}
}

// runs notes that the node's main process is pid.
func (n *node) runs(pid int) error {
	main, err := openProcess(pid)
	if err != nil {
		return err
	}
	group, err := cgroup.Of(pid)
	if err != nil {
		main.close()
		return err
	}
	if n.main.same(main) {
		main.close()
		return nil
	}
	if err := n.down(); err != nil {
		main.close()
		return err
	}
	n.main, n.group = main, group
	return nil
}

// down notes that the node does not run. Nothing stays frozen; what is wanted
// of it stays wanted, for when it runs again.
func (n *node) down() error {
	if n.frozen.byFreezer() {
		if err := n.thawNow(); err != nil {
			return err
		}
	}
	n.clock.forget()
	n.limits.forget()
	n.forgetStopped()
	if n.main != nil {
		n.main.close()
		n.main = nil
	}
	n.unsettle()
	return nil
}

// running returns an error unless the node's main process runs.
func (n *node) running() error {
	switch {
	case n.main == nil:
		return fmt.Errorf("%s is down", n.name)
	case !n.main.alive():
		return fmt.Errorf("%s is down: its process %d has ended", n.name, n.main.pid)
	}
	return nil
}

// heal takes back everything that is wanted of the node, and says what it was.
func (n *node) heal(ctx context.Context) ([]string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	was, err := n.healStandstills()
	if len(n.limits.want) > 0 {
		was = append(was, n.name+"'s limits")
	}
	n.limits.want = nil
	err = errors.Join(err, n.lift())
	if n.clock.wanted() {
		was = append(was, n.name+"'s clock")
	}
	n.clock.want = nil
	if n.running() != nil {
		return was, err // A clock ends with its process.
	}
	if len(n.clock.seen) > 0 {
		_, clockErr := n.setClocks(ctx)
		err = errors.Join(err, clockErr)
	}
	return was, err
}

// healStandstills lets everything go on.
func (n *node) healStandstills() (was []string, err error) {
	if len(n.frozen) > 0 {
		was = append(was, n.name+" frozen")
	}
	for id := range n.frozen {
		err = errors.Join(err, n.release(id))
	}
	for id, told := range n.told {
		closeAll(told)
		delete(n.told, id)
	}
	return was, err
}
