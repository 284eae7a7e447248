package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/runner/client"
)

// Options are what [Run] needs beside the plan.
type Options struct {
	// Prepare makes the image and brings the nodes up. It leaves nothing
	// behind if it fails.
	Prepare func(ctx context.Context, progress func(string)) (Cluster, error)
	// System opens clients and tells whether nodes are ready.
	System client.System
	// History takes the history, a line for each event.
	History io.Writer
	// Now is a monotonic clock.
	Now func() time.Duration
	// Observe hears of what happens, for people to watch. It is called from
	// several goroutines at once and must not block.
	Observe func(Event)
	// Measure hears of the pace of the run, once a second while the clients
	// work; nil if nobody wants to know. The system is then also asked, every
	// other second, who leads. It must not block.
	Measure func(Reading)
	// Watch sees every event as soon as it is written, in order, and says why
	// the storm should end; "" for it to go on. It is called from one goroutine.
	// nil if nobody watches.
	Watch func(history.Op) string
	// Nodes is the folder for what the nodes logged.
	Nodes string
	// Journal remembers what must be undone, should this program be killed;
	// nil for not at all.
	Journal nemesis.Journal
	// Keep leaves the cluster running in the end.
	Keep bool
}

// An Event is a line of progress.
type Event struct {
	// At is the time since the first phase began; 0 before it.
	At time.Duration
	// Kind is note, phase, fault, heal, ops, stop or warn.
	Kind string
	Text string
	// Fault is the step that the event tells of, nil if it is not about a fault.
	Fault *FaultStep
}

// A FaultStep is a step in the life of a fault of the named kind.
type FaultStep struct {
	Fault string `json:"fault"`
	history.FaultEvent
}

// An Outcome is what a run says about itself; what the system did is in the
// history.
type Outcome struct {
	// Interrupted means that ctx was done before the plan was.
	Interrupted bool
	// Stopped is why Watch ended the storm before its time; empty if it did not.
	Stopped string
	// Timings are how long the steps took, by name, and how late faults were.
	Timings map[string]time.Duration
	// Counts are operations by outcome, and "shed": those that were not sent
	// because their client was still waiting for the one before.
	Counts map[string]int64
	// Problems are things that went wrong beside the system under test, and
	// that do not change what the history says.
	Problems []string
	// Stays means that the nodes were not taken down: they were to be kept, or
	// it could not be done.
	Stays bool
}

// Limits of the steps that have no limit in the scenario.
const (
	prepareWithin = 30 * time.Second
	healWithin    = 45 * time.Second
	collectWithin = 30 * time.Second
	downWithin    = 60 * time.Second
	// interruptedSettle is how long an interrupted run waits for the cluster.
	interruptedSettle = 5 * time.Second
)

// Run carries out a plan. It proceeds like so:
//
//  1. up: make the image and start the nodes, each on its fixed address.
//  2. healthy: wait until every node takes part in a working cluster.
//  3. record: the clock of the history starts; its first event announces the plan.
//  4. phases: clients send their operations and the nemesis injects its
//     faults, side by side, phase after phase.
//  5. heal: everything is taken back, whatever is believed to be in force.
//  6. settle: wait until every node is healthy again.
//  7. final reads: every key is read from every node.
//  8. collect: logs are copied out of the nodes.
//  9. down: everything that was made is removed, unless Keep is set.
//
// When ctx is done, the phases end and the rest is done quickly: the history
// so far is good. Healing, collecting and taking down happen on every path.
// The error is an [*EnvError], or says that the history could not be written.
func Run(ctx context.Context, p *Plan, o Options) (Outcome, error) {
	r := &run{plan: p, o: o, out: Outcome{Timings: map[string]time.Duration{}}, origin: o.Now()}
	err := r.up(ctx)
	if err == nil {
		err = r.inCluster(ctx)
		r.collect(ctx)
		err = saidOnce(err, r.lostLate(ctx))
		r.down(ctx)
	}
	if ctx.Err() != nil {
		r.out.Interrupted = true
		if r.rec == nil {
			err = nil // stopped before there was anything to judge
		}
	}
	return r.out, err
}

// A run is the state of one [Run].
type run struct {
	plan    *Plan
	o       Options
	cluster Cluster
	nodes   []client.Node
	origin  time.Duration
	rec     *recorder
	workers []*worker
	flights flights
	back    recoveries

	mu       sync.Mutex // guards what follows
	out      Outcome
	panicked error
}

// since is the time on the axis of the plan and of the history.
func (r *run) since() time.Duration { return r.o.Now() - r.origin }

func (r *run) say(kind, format string, args ...any) {
	at := time.Duration(0)
	if r.rec != nil {
		at = r.since()
	}
	r.o.Observe(Event{At: at, Kind: kind, Text: fmt.Sprintf(format, args...)})
}

// timed runs a step and keeps how long it took.
func (r *run) timed(name string, step func() error) error {
	start := r.o.Now()
	err := step()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out.Timings[name] = r.o.Now() - start
	return err
}

func (r *run) problem(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.mu.Lock()
	r.out.Problems = append(r.out.Problems, text)
	r.mu.Unlock()
	r.say("warn", "%s", text)
}

func (r *run) up(ctx context.Context) error {
	return r.timed("up", func() error {
		c, err := r.o.Prepare(ctx, func(text string) { r.say("note", "%s", text) })
		if err != nil {
			return err
		}
		r.cluster, r.nodes = c, addresses(c, r.plan.Scenario.System)
		return nil
	})
}

// inCluster does everything between up and down.
func (r *run) inCluster(ctx context.Context) error {
	err := r.timed("healthy", func() error {
		return awaitHealthy(ctx, r.cluster, r.o.System, r.plan.Scenario.System.Ready.Within, r.nodes)
	})
	if err != nil {
		return &EnvError{Doing: "wait until the cluster is healthy", Err: err}
	}
	r.say("note", "%d nodes are healthy", len(r.nodes))
	if err := r.prepare(ctx); err != nil {
		return &EnvError{Doing: "prepare the system for the workload", Err: err}
	}
	r.record()
	err = errors.Join(r.announce(), r.storm(ctx), r.healAll(ctx))
	if err == nil {
		err = r.aftermath(ctx)
	}
	return errors.Join(err, r.rec.close())
}

// prepare makes what the workload needs, if the system needs anything.
func (r *run) prepare(ctx context.Context) error {
	p, ok := r.o.System.(client.Preparer)
	if !ok {
		return nil
	}
	return r.timed("prepare", func() error {
		preparing, cancel := context.WithTimeout(ctx, prepareWithin)
		defer cancel()
		return p.Prepare(preparing, r.nodes)
	})
}

// record starts the clock of the history.
func (r *run) record() {
	r.origin = r.o.Now()
	r.rec = newRecorder(r.o.History, r.since)
	if r.o.Watch != nil {
		r.rec.watch = newWatch(r.o.Watch, r.stop)
	}
}

// stop ends the phases because of what a watcher saw; the rest of the run still
// takes place.
func (r *run) stop(why string) {
	r.mu.Lock()
	r.out.Stopped = why
	r.mu.Unlock()
	r.say("stop", "%s", why)
	r.rec.end(errors.New(why))
}

func (r *run) announce() error {
	p := r.plan
	a := history.Announcement{
		Scenario: p.Scenario.Name, Seed: p.Seed, Nodes: p.Nodes, Clients: len(p.Clients),
		FinalReads: len(p.FinalReads) * len(p.Nodes),
	}
	for _, f := range p.Faults {
		a.Faults = append(a.Faults, f.ID)
	}
	return r.note("plan", a)
}

// note writes an event of the nemesis that is not about a fault.
func (r *run) note(f string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode the event %s: %w", f, err)
	}
	_, err = r.rec.append(history.Op{Process: history.Nemesis, Type: history.Info, F: f, Value: data})
	return err
}

func (r *run) phase(name string) error {
	r.say("phase", "%s", name)
	return r.note("phase", history.PhaseEvent{Phase: name})
}

// storm lets clients and nemesis loose until the phases are over.
func (r *run) storm(ctx context.Context) error {
	r.workers = newWorkers(r)
	return r.timed("phases", func() error {
		storm, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		r.rec.onEnd(cancel)
		healing, unwatch := r.watchAgent(context.WithoutCancel(ctx))
		var all sync.WaitGroup
		var faults, phases error
		all.Go(r.guard(func() { faults = r.nemesis(storm, healing) }))
		for i, c := range r.plan.Clients {
			all.Go(r.guard(func() { c.work(storm, r, r.workersOf(i)) }))
		}
		stop := r.watchOperations(storm)
		phases = r.walkPhases(storm)
		all.Wait()
		stop()
		unwatch()
		if faults != nil {
			r.problem("%v", faults)
			r.bug(faults)
		}
		return errors.Join(phases, r.rec.err(), r.bugs())
	})
}

// workersOf are the workers of the i-th client.
func (r *run) workersOf(i int) []*worker {
	var out []*worker
	for ; i < len(r.workers); i += len(r.plan.Clients) {
		out = append(out, r.workers[i])
	}
	return out
}

// walkPhases writes when each phase begins, and waits out the last one.
func (r *run) walkPhases(ctx context.Context) error {
	for _, phase := range r.plan.Phases {
		if !pauseFor(ctx, phase.At-r.since()) {
			return nil
		}
		if err := r.phase(phase.Name); err != nil {
			return err
		}
	}
	pauseFor(ctx, r.plan.Span()-r.since())
	return nil
}

func (r *run) nemesis(ctx, healing context.Context) error {
	return nemesis.Run(ctx, r.plan.Faults, nemesis.Exec{
		Cluster: r.hurtable(),
		Record:  r.rec.append,
		Since:   r.since,
		Observe: r.observeFault,
		Await:   r.await,
		Journal: r.o.Journal,
		Healing: healing,
	})
}
