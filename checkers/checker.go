// Package checkers judges histories.
//
// A [Checker] reads a history and answers valid, violation or unknown. It
// never changes the history, never talks to anything outside, and never
// guesses: what it cannot decide is unknown, with the reason. Start with
// [Run], which lets several of them judge and sums them up, and with the package
// catalog, which knows all of them by name.
package checkers

import (
	"context"
	"io"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// A Verdict is what a checker concludes. The zero Verdict is Unknown, so that
// a checker that did not get to an end is never taken for a pass.
type Verdict uint8

// The verdicts.
const (
	Unknown Verdict = iota
	Valid
	Violation
)

// A Checker judges one property of a history.
type Checker interface {
	// Name is what the checker is called in scenarios and in results.
	Name() string
	// Check judges h. When ctx is done it returns Unknown and says how far
	// it got. It does not change h and may run beside other checkers.
	Check(ctx context.Context, h *history.History) Result
}

// A Result is a verdict with what led to it.
type Result struct {
	// Check is the checker's name, with its key or model where it has one.
	Check   string  `json:"check"`
	Verdict Verdict `json:"verdict"`
	// Says tells in full sentences what was found and why we believe it; for
	// Unknown, the reason and how far the check got.
	Says []string `json:"says"`
	// Evidence are the indexes of the events that prove a violation.
	Evidence []int `json:"evidence,omitempty"`
	// Findings are the violations one by one, each with its own proof, as far
	// as the check can tell them apart; the first few, not all.
	Findings []Finding `json:"findings,omitempty"`
	// Rule is set by checks that users wrote.
	Rule *Rule `json:"rule,omitempty"`
	// Counts are figures of the check: operations judged, keys, ….
	Counts map[string]int64 `json:"counts,omitempty"`
	// Took is how long the check ran.
	Took time.Duration `json:"took_ns"`
	// Pages are files to put beside the result, for example porcupine's
	// picture of the failing window.
	Pages []Page `json:"-"`
}

// A Page is a file that a checker wants written into the run folder.
type Page struct {
	Name  string
	Write func(io.Writer) error
}
