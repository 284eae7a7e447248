package report

import (
	"fmt"
	"slices"
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

// A nodeCount is what one node's clients saw.
type nodeCount struct {
	Node string
	Count
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

// countNodes counts by the node that the client talked to, in order of name.
func countNodes(h *history.History) []nodeCount {
	by := map[string]*Count{}
	for _, o := range h.Operations() {
		node := o.Invoke.Node
		if by[node] == nil {
			by[node] = &Count{}
		}
		by[node].add(o.Type())
	}
	var out []nodeCount
	for node, c := range by {
		out = append(out, nodeCount{node, *c})
	}
	slices.SortFunc(out, func(a, b nodeCount) int { return compareNodes(a.Node, b.Node) })
	return out
}

// compareNodes puts n2 before n10.
func compareNodes(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// okDuring counts the operations that ended OK while w was in force.
func okDuring(operations []history.Operation, w history.FaultWindow) int {
	n := 0
	for _, o := range operations {
		if o.Type() == history.OK && w.Covers(o.Start(), o.End()) {
			n++
		}
	}
	return n
}

// tookHold counts the faults that did, and all that were injected.
func tookHold(h *history.History) (held, all int) {
	windows := h.Faults()
	for _, w := range windows {
		if w.TookHold() {
			held++
		}
	}
	return held, len(windows)
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
