package client

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/shakedown-dev/shakedown/history"
)

// A NoEffect is the reason why an operation has not happened and never will. A
// client returns it only if it knows: because nothing was sent that changes
// anything, or because the system said so in a way that cannot mean otherwise.
type NoEffect struct {
	Err error
	// Value is what the operation ends with; nil leaves that of the invocation.
	Value json.RawMessage
}

func (e *NoEffect) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *NoEffect) Unwrap() error { return e.Err }

// Refused makes a NoEffect.
func Refused(format string, args ...any) error { return &NoEffect{Err: fmt.Errorf(format, args...)} }

// Differed makes the NoEffect of a cas that found another value than the one it
// expected, and tells that as well: it is as good as a read. What is no JSON
// stands in the error alone.
func Differed(old, fresh, found json.RawMessage) error {
	none := &NoEffect{Err: fmt.Errorf("value differed: %s", found)}
	if json.Valid(found) {
		none.Value = fmt.Appendf(nil, "[%s,%s,%s]", old, fresh, found)
	}
	return none
}

// Harmless makes a NoEffect of an error of something that changes nothing, such
// as a read; nil stays nil, and a NoEffect what it is.
func Harmless(err error) error {
	var none *NoEffect
	if err == nil || errors.As(err, &none) {
		return err
	}
	return &NoEffect{Err: err}
}

// Ended completes op: as OK with what it answered, as Fail if it had no effect,
// and with any other error as Info, since nobody knows. A nil value leaves that
// of the invocation.
func Ended(op history.Op, value json.RawMessage, err error) history.Op {
	var none *NoEffect
	switch {
	case err == nil:
		op.Type, op.Error = history.OK, ""
		if value != nil {
			op.Value = value
		}
	case errors.As(err, &none):
		op.Type, op.Error = history.Fail, err.Error()
		if none.Value != nil {
			op.Value = none.Value
		}
	default:
		op.Type, op.Error = history.Info, err.Error()
	}
	return op
}
