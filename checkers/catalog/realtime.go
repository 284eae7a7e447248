package catalog

import (
	"context"
	"fmt"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// realTime is a checker that relies on which of two processes was first. Of a
// history that does not know that, it says nothing: whatever it said would rest
// on the order in which somebody happened to write the lines of a file.
type realTime struct {
	checkers.Checker
}

// Check is Unknown for a history that only knows the order within sessions.
func (c realTime) Check(ctx context.Context, h *history.History) checkers.Result {
	if !h.SessionOnly {
		return c.Checker.Check(ctx, h)
	}
	return checkers.Result{Check: c.Name(), Says: []string{fmt.Sprintf(
		"The history only knows the order within each session, and not which of two sessions was first. The check %s rests on that, so nothing was judged.", c.Name())}}
}
