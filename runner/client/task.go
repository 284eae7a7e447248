package client

import (
	"context"
	"encoding/json"

	"github.com/shakedown-dev/shakedown/history"
)

// A Task carries out an invocation and returns what it answered, nil if that is
// nothing beside what was asked. An error that is no [NoEffect] says that nobody
// knows whether it happened.
type Task func(ctx context.Context, op history.Op) (json.RawMessage, error)

// Tasks are the operations of a workload, by name.
type Tasks map[string]Task

// Invoke carries out op, as [Client] says.
func (t Tasks) Invoke(ctx context.Context, op history.Op) history.Op {
	do, ok := t[op.F]
	if !ok {
		return Ended(op, nil, Refused("not invoked: this workload has no operation %q", op.F))
	}
	value, err := do(ctx, op)
	return Ended(op, value, err)
}
