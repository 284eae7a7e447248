package nemesis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// Limits of one step. A role must be asked quickly, or the fault comes too
// late; a heal may have to wait for a process to start.
const (
	roleWithin   = 3 * time.Second
	injectWithin = 10 * time.Second
	healWithin   = 30 * time.Second
	// slowWithin takes the place of both for kinds that make nodes anew.
	slowWithin = 2 * time.Minute
	// verifyAtLeast is how long a fault may take to show even when it is
	// planned to be shorter.
	verifyAtLeast = 500 * time.Millisecond
)

// An Exec is what [Run] needs to carry out a plan.
type Exec struct {
	Cluster Cluster
	// Record writes a step into the history.
	Record Record
	// Since is the time since the first phase began, on the clock of the
	// history.
	Since func() time.Duration
	// Journal remembers what must be undone; nil for nobody who would.
	Journal Journal
	// Await waits for a trigger until ctx is done, and says what set it off.
	// The error says what was seen instead. It is only needed for a plan with
	// triggers, and never called for one that waits for another fault.
	Await func(ctx context.Context, t Trigger) (why string, err error)
	// Healing is where faults are healed, even when the plan is over; it ends
	// when nothing can be healed any more, since the agent is gone. nil for one
	// that never ends.
	Healing context.Context
	// Observe hears of every step as it is recorded, for people to watch. It
	// may be called from several goroutines at once.
	Observe func(fault string, e history.FaultEvent)
}

// Run carries out the plan and returns when the last fault is healed. Each
// injection runs on its own, so that one that is slow delays no other. When
// ctx is done no further fault is injected and those in force are healed at
// once. An error means that the history could not be written or that a heal
// did not succeed; a fault that did not take hold is in the history, not in
// the error, as is a [*PanicError], upon which it heals and returns early.
func Run(ctx context.Context, plan []Injection, x Exec) error {
	if x.Healing == nil {
		x.Healing = context.WithoutCancel(ctx)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := newCampaign(plan, x)
	errs := make([]error, len(plan))
	var all sync.WaitGroup
	for i, in := range plan {
		all.Go(func() {
			var once sync.Once
			aimed := func() { once.Do(func() { close(c.aimed[in.ID]) }) }
			defer aimed()
			errs[i] = Guarded(func() error { return c.one(ctx, in, aimed) })
			var bug *PanicError
			if errors.As(errs[i], &bug) {
				cancel() // and all others heal
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// one takes one injection through its life, from its moment or trigger on. It
// calls aimed when it knows whom it hits.
func (c *campaign) one(ctx context.Context, in Injection, aimed func()) error {
	if err := c.ahead(ctx, in); err != nil {
		return c.failed(in, history.FaultEvent{ID: in.ID}, err)
	}
	noted, err := c.noteAhead(ctx, in)
	if err != nil || !pauseFor(ctx, in.At-c.Since()) {
		return err
	}
	why := ""
	if in.Trigger != nil {
		var err error
		why, err = c.await(ctx, in)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return c.failed(in, history.FaultEvent{ID: in.ID}, fmt.Errorf("its trigger (%s) never fired: %w", in.Trigger, err))
		}
		in.At = c.Since()
	}
	life, cancel := context.WithTimeout(ctx, in.For)
	defer cancel()
	defer c.letGo(in)
	f, in, event, err := c.begin(life, in, why, noted)
	aimed()
	if err != nil || f == nil {
		return err
	}
	suffered := Guarded(func() error { return c.suffer(life, f, in, event) })
	return errors.Join(suffered, c.end(f, in, event))
}

// begin sets the fault up: it resolves the targets and writes whom it is about
// to hit, and how it is undone if that is not noted yet. It returns no fault if
// there is nobody to hurt.
func (c *campaign) begin(ctx context.Context, in Injection, why string, noted bool) (fault, Injection, history.FaultEvent, error) {
	k, ok := kindOf(in.Fault)
	if !ok {
		return nil, in, history.FaultEvent{}, fmt.Errorf("there is no fault %q", in.Fault)
	}
	asking, cancel := context.WithTimeout(ctx, roleWithin)
	defer cancel()
	in, role, err := c.resolved(asking, in)
	event := history.FaultEvent{ID: in.ID, Role: role}
	if err != nil {
		return nil, in, event, c.failed(in, event, err)
	}
	event.Nodes = hurt(in, c.Cluster.Nodes())
	c.aim(in, event.Nodes)
	c.takeHold(in, event.Nodes)
	if k.drops != nil {
		event.Cuts = k.drops(in)
	}
	event.Stage, event.Says, event.Evidence = history.StageSetUp, Foretell(in, c.Cluster.Nodes()), why
	if err := c.write(in, event); err != nil {
		return nil, in, event, err
	}
	if !noted {
		if err := c.willDo(k, in); err != nil {
			return nil, in, event, err
		}
	}
	event.Stage, event.Says, event.Evidence = history.StageInject, k.says(in, c.Cluster.Nodes()), ""
	return k.make(in, c.Exec), in, event, c.write(in, event)
}

// suffer injects the fault, shows that it bites, and lets it last.
func (c *campaign) suffer(life context.Context, f fault, in Injection, event history.FaultEvent) error {
	injecting, cancel := context.WithTimeout(life, within(in.Fault, injectWithin))
	defer cancel()
	if err := f.inject(injecting); err != nil {
		return c.failed(in, event, err)
	}
	event.Late = c.Since() - in.At
	if err := c.show(life, f, in, event); err != nil {
		return err
	}
	var written error
	err := f.hold(life, func(says, evidence string) {
		event.Stage, event.Says, event.Evidence, event.Late = history.StageInForce, says, evidence, 0
		written = errors.Join(written, c.write(in, event))
	})
	if err != nil && life.Err() == nil {
		return c.failed(in, event, err)
	}
	return written
}

// show writes that the fault is in force, or that it could not be seen to be.
// A fault shorter than verifyAtLeast is still looked for that long.
func (c *campaign) show(life context.Context, f fault, in Injection, event history.FaultEvent) error {
	looking, cancel := context.WithTimeout(context.WithoutCancel(life), max(in.For-event.Late, verifyAtLeast))
	defer cancel()
	stop := context.AfterFunc(life, func() {
		if !errors.Is(life.Err(), context.DeadlineExceeded) {
			cancel() // the run was interrupted: heal now
		}
	})
	defer stop()
	evidence, err := f.verify(looking)
	if err != nil {
		return c.failed(in, event, err)
	}
	event.Stage, event.Evidence = history.StageInForce, evidence
	return c.write(in, event)
}

// end heals, whatever happened before and even when the plan is over.
func (c *campaign) end(f fault, in Injection, event history.FaultEvent) error {
	healing, cancel := context.WithTimeout(c.Healing, within(in.Fault, healWithin))
	defer cancel()
	event.Says, event.Evidence, event.Late = "", "", 0
	event.Stage = history.StageHeal
	written := c.write(in, event)
	before := c.Since()
	evidence, err := f.heal(healing)
	if err != nil {
		return errors.Join(written, c.failed(in, event, err), fmt.Errorf("heal %s: %w", in.ID, err))
	}
	event.Stage, event.Evidence, event.Late = history.StageHealed, evidence, c.Since()-before
	return errors.Join(written, c.write(in, event), c.Journal.Undone(in.ID))
}

// failed writes that a step did not work. Only failing to write is an error.
func (c *campaign) failed(in Injection, event history.FaultEvent, err error) error {
	event.Stage, event.Error, event.Evidence = history.StageFailed, err.Error(), ""
	return c.write(in, event)
}

func (c *campaign) write(in Injection, event history.FaultEvent) error {
	value, err := json.Marshal(event)
	if err != nil {
		return fmt.Errorf("encode the event of %s: %w", in.ID, err)
	}
	_, err = c.Record(history.Op{Process: history.Nemesis, Type: history.Info, F: in.Fault, Value: value})
	c.note(in, event.Stage)
	c.Observe(in.Fault, event)
	return err
}

// HealAll takes back everything, whatever is believed to be in force: rules,
// freezers and clocks through the agent, then every node is started. It is
// the last word after every run and may be called at any time.
func HealAll(ctx context.Context, c Cluster) (string, error) {
	r, err := c.Ask(ctx, agent.Request{Do: agent.Heal})
	_, started := eachNode(c.Nodes(), func(node string) (string, error) {
		if err := c.Restart(ctx, node); err != nil {
			return "", fmt.Errorf("start %s: %w", node, err)
		}
		return "", nil
	})
	return r.Evidence, errors.Join(err, started)
}
