package nemesis

import (
	"fmt"
	"runtime/debug"
)

// A PanicError is a bug of this program that was caught in the goroutine where
// it happened: left alone it would end the process, with faults in force.
type PanicError struct {
	Value any
	Stack []byte
}

// Error says what it was, without the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("a bug in shakedown: %v", e.Value) }

// Guarded calls f. A panic in it becomes a [*PanicError].
func Guarded(f func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &PanicError{Value: value, Stack: debug.Stack()}
		}
	}()
	return f()
}
