package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/runner/workload"
)

// A worker is one process of a client of the plan: it invokes operations one
// after another against the client's node. After an operation with an unknown
// outcome it goes on as a new process with a fresh connection, since the old
// operation may still be under way.
type worker struct {
	run     *run
	plan    PlannedClient
	node    client.Node
	process int
	client  client.Client
	seen    *board
	held    hold
}

const (
	// overdue is by how much an operation of an open load may be late and
	// still be sent. One that is later is shed, so that a client which had
	// to wait does not make up for it by a burst.
	overdue = 100 * time.Millisecond
	// stuckAfter is how much longer than its deadline a client may take to
	// return before it is given up for lost.
	stuckAfter = 2 * time.Second
)

// newWorkers makes the workers of all clients: first one of each, which does
// what a client with one operation at a time does, then the second of each.
func newWorkers(r *run) []*worker {
	seen := newBoard()
	var all []*worker
	for lane := range r.plan.lanes() {
		for _, c := range r.plan.Clients {
			all = append(all, &worker{
				run: r, plan: c, process: c.Client + lane*len(r.plan.Clients), seen: seen,
				node: address(r.cluster, r.plan.Scenario.System, c.Node),
			})
		}
	}
	return all
}

// lanes is how many operations each client may have under way.
func (p *Plan) lanes() int { return max(p.Scenario.Workload.InFlight, 1) }

// work lets a client invoke its planned operations until they or ctx end, or
// the history cannot be written. Its workers take them in turn, whoever is
// free; one that finds nobody free in time is shed.
func (c PlannedClient) work(ctx context.Context, r *run, workers []*worker) {
	feed := make(chan PlannedOperation)
	var all sync.WaitGroup
	for _, w := range workers {
		all.Go(w.run.guard(func() { w.work(ctx, feed) }))
	}
	defer all.Wait()
	defer close(feed)
	open := r.plan.Scenario.Workload.RatePerSecond > 0
	for _, o := range c.Operations {
		if open && r.since()-o.At > overdue {
			r.rec.shed.Add(1)
			continue
		}
		if open && !pauseFor(ctx, o.At-r.since()) || ctx.Err() != nil || r.since() >= r.plan.Span() {
			return
		}
		if !r.hand(ctx, feed, o, open) {
			return
		}
	}
}

// hand gives o to a worker that is free, and sheds it if it is of an open load
// and there is none in time. It reports whether there is any use in going on.
func (r *run) hand(ctx context.Context, feed chan<- PlannedOperation, o PlannedOperation, open bool) bool {
	var late <-chan time.Time
	if open {
		t := time.NewTimer(overdue)
		defer t.Stop()
		late = t.C
	}
	select {
	case feed <- o:
	case <-late:
		r.rec.shed.Add(1)
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// work invokes what it is fed.
func (w *worker) work(ctx context.Context, feed <-chan PlannedOperation) {
	for o := range feed {
		op, sensible := w.operation(o)
		if !sensible {
			continue
		}
		done, err := w.invoke(ctx, op)
		if err != nil {
			// The history cannot be written, which ends the storm: ctx is done.
			return
		}
		w.held.note(done)
	}
}

// operation makes an invocation out of a planned operation, and says whether
// there is any sense in it. What a cas expects is what was last seen in its key
// by any client.
func (w *worker) operation(o PlannedOperation) (history.Op, bool) {
	op := history.Op{F: o.F, Key: o.Key, Value: o.Value, Node: w.node.Name}
	switch {
	case o.F == workload.CAS:
		op.Value = pair(w.seen.last(o.Key), o.Value)
	case w.run.plan.Scenario.Workload.Use == "lock":
		return w.held.guard(op)
	}
	return op, true
}

// invoke records op, carries it out and records how it ended. The error is
// that the history could not be written.
func (w *worker) invoke(ctx context.Context, op history.Op) (history.Op, error) {
	op.Process, op.Type = w.process, history.Invoke
	w.seen.touch(op)
	op, err := w.run.rec.append(op)
	if err != nil {
		return op, err
	}
	invoked := op
	w.run.flights.invoked(op)
	done := w.carryOut(ctx, op)
	done.Index, done.Time = 0, 0
	if done, err = w.run.rec.append(done); err != nil {
		return done, err
	}
	if done.Type == history.OK {
		w.run.rec.took.add(done.Time - invoked.Time)
		if err := w.run.servedBy(invoked, done); err != nil {
			return done, err
		}
	}
	if done.Type == history.Info {
		w.retire()
	}
	w.seen.note(done)
	return done, nil
}

// carryOut lets the client invoke op, and gives it up if it does not return.
// The operation's own timeout is its deadline; that the run is interrupted
// does not cut it short, since an answer is worth more than a few seconds.
func (w *worker) carryOut(ctx context.Context, op history.Op) history.Op {
	timeout := w.run.plan.Scenario.Workload.Timeout
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	if w.client == nil {
		c, err := w.run.o.System.Open(deadline, w.node)
		if err != nil {
			op.Type, op.Error = history.Fail, "no connection: "+err.Error()
			return op
		}
		w.client = c
	}
	answer := make(chan history.Op, 1)
	go w.run.guard(func() {
		done := op
		done.Type, done.Error = history.Info, "the client broke down" // unless it returns
		defer func() { answer <- done }()
		done = w.client.Invoke(deadline, op)
	})()
	select {
	case done := <-answer:
		return w.sane(op, done)
	case <-w.run.after(timeout + stuckAfter):
		w.run.problem("the client of process %d did not return within %s of its deadline; it was given up", op.Process, stuckAfter)
		op.Type, op.Error = history.Info, "the client did not return"
		return op
	}
}

// sane holds the client to its contract: an answer that is no completion of op
// counts as unknown.
func (w *worker) sane(op, done history.Op) history.Op {
	if done.Type == history.Invoke || done.Process != op.Process || done.F != op.F || done.Key != op.Key {
		op.Type, op.Error = history.Info, "the client answered with something else"
		return op
	}
	return done
}

// retire ends this process; the client goes on as another, later.
func (w *worker) retire() {
	w.process += len(w.run.plan.Clients) * w.run.plan.lanes()
	w.close()
}

func (w *worker) close() {
	if w.client != nil {
		_ = w.client.Close() // nothing hangs on how an abandoned connection ends
		w.client = nil
	}
}

// pair is the JSON of [a, b]; nil means null.
func pair(a, b json.RawMessage) json.RawMessage {
	null := []byte("null")
	parts := [][]byte{null, null}
	if a != nil {
		parts[0] = a
	}
	if b != nil {
		parts[1] = b
	}
	return append(append([]byte{'['}, bytes.Join(parts, []byte{','})...), ']')
}
