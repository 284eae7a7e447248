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
type NoEffect struct{ Err error }

func (e *NoEffect) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *NoEffect) Unwrap() error { return e.Err }

// Refused makes a NoEffect.
func Refused(format string, args ...any) error { return &NoEffect{fmt.Errorf(format, args...)} }

// Harmless makes a NoEffect of an error of something that changes nothing, such
// as a read; nil stays nil.
func Harmless(err error) error {
	if err == nil {
		return nil
	}
	return &NoEffect{err}
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
	default:
		op.Type, op.Error = history.Info, err.Error()
	}
	return op
}
