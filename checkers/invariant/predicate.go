package invariant

import (
	"go.starlark.net/starlark"

	"github.com/shakedown-dev/shakedown/history"
)

// predicate is a rule about each operation alone.
type predicate struct {
	fn starlark.Callable
	// never says that the rule is broken where fn is true, not where it is false.
	never bool
	// read gives fn the operation and what was read, for reads that were ok.
	read bool
}

func (p predicate) begin(j *judge) evaluation { return &predicateEvaluation{p, j} }

func (predicate) online() bool { return true }

type predicateEvaluation struct {
	predicate
	judge *judge
}

func (e *predicateEvaluation) operation(o *op) {
	args := []starlark.Value{o}
	if e.read {
		if o.did.Type() != history.OK {
			return
		}
		value, err := o.Attr("value")
		if err != nil {
			e.judge.fault(err, o)
			return
		}
		args = append(args, value)
	}
	e.judge.evaluated++
	yes, err := e.judge.machine.predicate(e.fn, args...)
	switch {
	case err != nil:
		e.judge.fault(err, o)
	case yes == e.never:
		e.judge.breaks(o, nil)
	}
}

func (*predicateEvaluation) finish(*history.History) {}

func (e *predicateEvaluation) missing() string {
	if e.read {
		return "there was no " + e.judge.rule.subject() + " that was ok"
	}
	return "there was no " + e.judge.rule.subject()
}
