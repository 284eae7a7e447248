package invariant

import (
	"context"
	"slices"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// A Break is a rule found broken.
type Break struct {
	// Rule is the rule's name.
	Rule string
	// Event is the index of the event that broke it; -1 if it was no single one,
	// but a deadline or the whole history.
	Event int
	// At is the moment of the run in which it was broken.
	At time.Duration
	// Says tells in sentences what broke it.
	Says []string
	// Evidence are the indexes of the events that show it, in order.
	Evidence []int
}

// show adds operations to the evidence that the rule's author named.
func (b *Break) show(shown []*op, culprit *op) {
	for _, o := range shown {
		if o == culprit {
			continue
		}
		if len(b.Says) < maxShown {
			b.Says = append(b.Says, "With it belongs: "+ending(o.describe()))
		}
		b.Evidence = append(b.Evidence, o.events()...)
	}
	b.sort()
}

func (b *Break) sort() {
	slices.Sort(b.Evidence)
	b.Evidence = slices.Compact(b.Evidence)
}

// maxShown is how many operations of the evidence are put in sentences.
const maxShown = 12

// An Online evaluates a rule while the history is being made.
type Online interface {
	// Observe takes in the next event and returns the first break of the rule,
	// once; nil if there is none so far. An error in the script ends the
	// watching and breaks nothing: the check after the run tells it.
	Observe(e history.Op) *Break
	// Close ends the watching.
	Close()
}

// Watch starts to evaluate the rule online, until ctx is done. It returns false
// for rules that can only be judged when everything is known: models, and rules
// about the whole history. The check after the run is needed all the same, which
// alone says that a rule held.
func (r *Rule) Watch(ctx context.Context) (Online, bool) {
	if !r.kind.online() {
		return nil, false
	}
	return &watching{judge: newJudge(ctx, r)}, true
}

type watching struct {
	judge *judge
	told  bool
}

func (w *watching) Observe(e history.Op) (broken *Break) {
	defer func() {
		if recover() != nil {
			w.told = true // the check after the run meets the same panic, and tells it
		}
	}()
	if w.told {
		return nil
	}
	w.judge.see(&e)
	if w.judge.first != nil {
		w.told = true
		return w.judge.first
	}
	w.told = w.judge.spent
	return nil
}

func (w *watching) Close() { w.judge.machine.close() }
