package invariant

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"time"

	"go.starlark.net/starlark"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// A Rule is something that must hold, written by a user: an invariant or a
// model. It does not change once it is made, and may judge any number of
// histories side by side.
type Rule struct {
	name, says, origin string
	// path is the script's name, as errors give it.
	path   string
	limits Limits

	// of are the operations that the rule is about; empty for all.
	of []string
	// when picks among them; nil for all.
	when starlark.Callable
	// asked says which operations those are: `"read"`, or the user's words.
	asked string
	needs []need
	// per is the group that an operation belongs to; nil if all are one group.
	per  grouping
	kind kind
}

// A need is a kind of operation that must be in a history for it to say
// anything about the rule.
type need struct {
	name string
	is   starlark.Callable
}

// A kind is a way to judge.
type kind interface {
	// begin starts one evaluation.
	begin(j *judge) evaluation
	// online says that what breaks the rule is found as events come.
	online() bool
}

// An evaluation takes in one history, in the order of its events.
type evaluation interface {
	// operation takes an operation that the rule is about, once it has ended:
	// in the order of completion, and those that never did after all others.
	operation(o *op)
	// finish judges what can only be judged at the end. h is nil if the end
	// is not there, or not all of the history is at hand.
	finish(h *history.History)
}

// A watcher is an evaluation that wants to see more than operations that ended.
type watcher interface {
	invoked(e *history.Op)
	nemesis(e *history.Op)
	// clock tells the time of the event that comes next.
	clock(now time.Duration)
}

// Name returns the rule's name.
func (r *Rule) Name() string { return r.name }

// grace is how long after its time a check may go on with what it has in hand.
const grace = 2 * time.Second

// Check judges h; see [checkers.Checker]. A script that hangs inside a single
// builtin, where it cannot be stopped, is left behind some seconds after ctx is
// done: its goroutine then ends when the builtin does.
func (r *Rule) Check(ctx context.Context, h *history.History) checkers.Result {
	done := make(chan checkers.Result, 1)
	go func() { done <- r.check(ctx, h) }()
	select {
	case result := <-done:
		return result
	case <-ctx.Done():
	}
	patience := time.NewTimer(grace)
	defer patience.Stop()
	select {
	case result := <-done:
		return result
	case <-patience.C:
		return checkers.Result{Check: r.name, Says: []string{
			"Its time was up, and the script did not even stop when asked to: it hangs in a builtin. It was left behind."}}
	}
}

func (r *Rule) check(ctx context.Context, h *history.History) (result checkers.Result) {
	defer func() {
		if cause := recover(); cause != nil {
			stack := debug.Stack()
			result = checkers.Result{Check: r.name,
				Says: []string{fmt.Sprintf("The evaluation itself broke, which says nothing about the system: %v.", cause)},
				Pages: []checkers.Page{{Name: "panic.txt", Write: func(w io.Writer) error {
					_, err := w.Write(stack)
					return err
				}}}}
		}
	}()
	j := newJudge(ctx, r)
	defer j.machine.close()
	for i := range h.Ops {
		if i%1024 == 0 && ctx.Err() != nil || j.spent {
			break
		}
		j.see(&h.Ops[i])
	}
	j.finish(h)
	return j.result(h)
}

// concerns reports whether the rule is about operations called f.
func (r *Rule) concerns(f string) bool {
	return len(r.of) == 0 || slices.Contains(r.of, f)
}

// subject says which operations the rule is about, for a sentence.
func (r *Rule) subject() string {
	if r.asked != "" {
		return r.asked
	}
	if len(r.of) > 0 {
		return quoted(r.of, "or")
	}
	return "operation"
}
