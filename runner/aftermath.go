package runner

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/runner/workload"
)

const (
	// finalTries is how often a final read that fails is tried again.
	finalTries = 5
	// finalPause is the pause between two tries.
	finalPause = 200 * time.Millisecond
)

// aftermath waits until the healed cluster works again and reads everything.
// An interrupted run waits shortly and reads nothing.
func (r *run) aftermath(ctx context.Context) error {
	if err := r.settle(ctx); err != nil {
		return err
	}
	if ctx.Err() == nil {
		if err := r.timed("final_reads", func() error { return r.finalReads(ctx) }); err != nil {
			return err
		}
	}
	r.closeWorkers()
	r.out.Counts = r.rec.counts()
	r.sayOperations()
	return r.phase("end")
}

// healAll takes back whatever may be in force. That it could not be done is a
// problem, not the end: the final reads will show. It heals even when the
// history cannot be written; that, or that the agent has died, is the error.
func (r *run) healAll(ctx context.Context) error {
	ended := r.phase("heal")
	_ = r.timed("heal", func() error {
		healing, cancel := context.WithTimeout(context.WithoutCancel(ctx), healWithin)
		defer cancel()
		ended = saidOnce(ended, r.lost(healing))
		evidence, err := nemesis.HealAll(healing, r.hurtable())
		if err != nil {
			r.problem("heal everything: %v", err)
			ended = saidOnce(ended, r.lost(healing)) // it may have died over it
			return nil
		}
		r.say("heal", "everything: %s", evidence)
		if r.o.Journal != nil {
			if err := r.o.Journal.Undone(nemesis.Everything); err != nil {
				r.problem("note that everything is undone: %v", err)
			}
		}
		return nil
	})
	return ended
}

// settle waits until every node is healthy again.
func (r *run) settle(ctx context.Context) error {
	if err := r.phase("settle"); err != nil {
		return err
	}
	within := r.plan.Scenario.Settle.HealthyWithin
	if ctx.Err() != nil {
		within = min(within, interruptedSettle)
	}
	began := r.since()
	return r.timed("settle", func() error {
		err := awaitHealthy(context.WithoutCancel(ctx), r.cluster, r.o.System, within, r.nodes)
		if err != nil {
			r.problem("the cluster is not healthy again: %v", err)
			return nil
		}
		return r.foundHealthy(began)
	})
}

// finalReads reads everything that was touched through every node, the nodes
// side by side.
func (r *run) finalReads(ctx context.Context) error {
	kind, _ := workload.Find(r.plan.Scenario.Workload.Use) // there is a plan, so there is one
	ops := kind.Final(r.touched())
	if err := r.note("phase", history.PhaseEvent{Phase: "final-reads", Wanted: len(ops) * len(r.nodes)}); err != nil {
		return err
	}
	r.say("phase", "final-reads")
	errs := make([]error, len(r.nodes))
	var all sync.WaitGroup
	for i, n := range r.nodes {
		at := slices.IndexFunc(r.workers, func(w *worker) bool { return w.node.Name == n.Name })
		if at < 0 {
			r.problem("no client is bound to %s, so nothing was read from it in the end", n.Name)
			continue
		}
		all.Go(r.guard(func() { errs[i] = r.workers[at].finish(ctx, ops) }))
	}
	all.Wait()
	return errors.Join(append(errs, r.bugs())...)
}

// touched are the keys of the plan that some client got to.
func (r *run) touched() []string {
	if len(r.workers) == 0 {
		return nil
	}
	return r.workers[0].seen.only(r.plan.FinalReads)
}

// finish carries out each operation until it succeeds or has been tried often
// enough.
func (w *worker) finish(ctx context.Context, ops []workload.Operation) error {
	for _, o := range ops {
		for range finalTries {
			op, err := w.invoke(ctx, history.Op{F: o.F, Key: o.Key, Value: o.Value, Node: w.node.Name, Final: true})
			if err != nil {
				return err
			}
			if op.Type == history.OK || !pauseFor(ctx, finalPause) {
				break
			}
		}
	}
	return nil
}

func (r *run) closeWorkers() {
	for _, w := range r.workers {
		w.close()
	}
}

// collect copies the logs, on every path. Trouble with it is a problem and never
// changes a verdict.
func (r *run) collect(ctx context.Context) {
	_ = r.timed("collect", func() error {
		collecting, cancel := context.WithTimeout(context.WithoutCancel(ctx), collectWithin)
		defer cancel()
		if err := r.cluster.Collect(collecting, r.o.Nodes); err != nil {
			r.problem("collect the logs of the nodes: %v", err)
		}
		return nil
	})
}

// down removes the cluster, on every path, unless it is to be kept. Trouble with
// it is a problem and never changes a verdict.
func (r *run) down(ctx context.Context) {
	if r.out.Stays = r.o.Keep; r.o.Keep {
		r.say("note", "the cluster is left running; `shakedown clean` removes it")
		return
	}
	_ = r.timed("down", func() error {
		removing, cancel := context.WithTimeout(context.WithoutCancel(ctx), downWithin)
		defer cancel()
		if err := r.cluster.Down(removing); err != nil {
			r.out.Stays = true
			r.problem("remove the cluster: %v", err)
		}
		return nil
	})
}

// after is a timer on the process's own clock.
func (r *run) after(d time.Duration) <-chan time.Time { return time.After(d) }
