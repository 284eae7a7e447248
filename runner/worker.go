package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
)

// A worker is one client of the plan: it invokes its operations one after
// another against its node. After an operation with an unknown outcome it goes
// on as a new process with a fresh connection, since the old operation may
// still be under way.
type worker struct {
	run     *run
	plan    PlannedClient
	node    client.Node
	process int
	client  client.Client
	seen    *board
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

func newWorkers(r *run) []*worker {
	seen := newBoard()
	var all []*worker
	for _, c := range r.plan.Clients {
		all = append(all, &worker{
			run: r, plan: c, process: c.Client, seen: seen,
			node: address(r.cluster, r.plan.Scenario.System, c.Node),
		})
	}
	return all
}

// work invokes the planned operations until they or ctx end, or the history
// cannot be written.
func (w *worker) work(ctx context.Context) {
	open := w.run.plan.Scenario.Workload.RatePerSecond > 0
	span := w.run.plan.Span()
	for _, o := range w.plan.Operations {
		if open {
			if w.run.since()-o.At > overdue {
				w.run.rec.shed.Add(1)
				continue
			}
			if !pauseFor(ctx, o.At-w.run.since()) {
				return
			}
		}
		if ctx.Err() != nil || w.run.since() >= span {
			return
		}
		if _, err := w.invoke(ctx, w.operation(o)); err != nil {
			return
		}
	}
}

// operation makes an invocation out of a planned operation. What a cas expects
// is what was last seen in its key by any client.
func (w *worker) operation(o PlannedOperation) history.Op {
	op := history.Op{F: o.F, Key: o.Key, Value: o.Value, Node: w.node.Name}
	if o.F == "cas" {
		op.Value = pair(w.seen.last(o.Key), o.Value)
	}
	return op
}

// invoke records op, carries it out and records how it ended. The error is
// that the history could not be written.
func (w *worker) invoke(ctx context.Context, op history.Op) (history.Op, error) {
	op.Process, op.Type = w.process, history.Invoke
	w.seen.touch(op.Key)
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
	go func(c client.Client) { answer <- c.Invoke(deadline, op) }(w.client)
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
	w.process += len(w.run.plan.Clients)
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
