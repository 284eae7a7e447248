package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// A Count is how many operations ended how.
type Count struct{ OK, Fail, Info int }

// Total is all of them.
func (c Count) Total() int { return c.OK + c.Fail + c.Info }

func (c *Count) add(t history.Type) {
	switch t {
	case history.OK:
		c.OK++
	case history.Fail:
		c.Fail++
	default:
		c.Info++
	}
}

// countAll counts the operations of all clients.
func countAll(h *history.History) Count {
	var c Count
	if h == nil {
		return c
	}
	for _, o := range h.Operations() {
		c.add(o.Type())
	}
	return c
}

// compareNodes puts n2 before n10.
func compareNodes(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// tookHold counts the faults that did, and all that were injected.
func tookHold(h *history.History) (held, all int) {
	for _, w := range h.Faults() {
		if w.TookHold() {
			held++
		}
		if w.Inject >= 0 || w.TookHold() {
			all++
		}
	}
	return held, all
}

// seconds is a moment or a length for people: "22.318s".
func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) + "s"
}

// moment is seconds, or a dash for what did not happen.
func moment(d time.Duration) string {
	if d < 0 {
		return "–"
	}
	return seconds(d)
}

// grouped writes a number with thin groups: 29 812.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}

// plural is a number with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%s %ss", grouped(n), noun)
}
