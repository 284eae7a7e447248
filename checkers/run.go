package checkers

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// DefaultTimeout is how long a check may take that is not [Limited].
const DefaultTimeout = time.Minute

// limited is a checker with a time of its own.
type limited struct {
	Checker
	timeout time.Duration
}

// Limited gives a checker as much time as that in [Run]; zero or less means
// [DefaultTimeout].
func Limited(c Checker, timeout time.Duration) Checker {
	return limited{Checker: c, timeout: timeout}
}

// Run judges h by all checkers, side by side, each with its own time, and sums
// them up. A checker that panics is Unknown and harms no other. A history that
// does not [history.History.Validate] makes every check Unknown.
func Run(ctx context.Context, h *history.History, all []Checker) Summary {
	invalid := h.Validate()
	results := make([]Result, len(all))
	Each(len(all), runtime.GOMAXPROCS(0), func(i int) {
		if invalid != nil {
			results[i] = Result{Check: all[i].Name(), Says: []string{
				fmt.Sprintf("The history cannot have happened, so it was not judged: %v.", invalid),
			}}
			return
		}
		results[i] = guarded(ctx, h, all[i])
	})
	return summarize(results)
}

// guarded carries out one check, come what may.
func guarded(ctx context.Context, h *history.History, c Checker) (r Result) {
	timeout := DefaultTimeout
	if l, ok := c.(limited); ok && l.timeout > 0 {
		timeout = l.timeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	began := time.Now()
	defer func() {
		if cause := recover(); cause != nil {
			r = broken(c.Name(), cause, debug.Stack())
		}
		r.Took = time.Since(began)
	}()
	return c.Check(ctx, h)
}

// broken is the result of a checker that panicked.
func broken(name string, cause any, stack []byte) Result {
	return Result{
		Check: name,
		Says:  []string{fmt.Sprintf("The checker itself broke, which says nothing about the system: %v.", cause)},
		Pages: []Page{{Name: "panic.txt", Write: func(w io.Writer) error {
			_, err := w.Write(stack)
			return err
		}}},
	}
}
