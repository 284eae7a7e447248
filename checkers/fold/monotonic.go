package fold

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// MonotonicOptions say how much order is asked for.
type MonotonicOptions struct {
	// ByProcess asks for order only among the rows of each process.
	ByProcess bool
}

// Monotonic decides whether the order of a database's own timestamps is the
// order in which transactions saw each other.
//
// It reads: add, a transaction that finds the largest value there is and
// inserts one more, ok with the row {"val": 17, "sts": "123.0001"}, sts being
// the database's timestamp (a decimal number or a string of one); read, ok
// with the array of all rows. Rows may have more members. Judged are the reads
// marked final, each for itself, or if there are none the last one.
//
// Property: if the rows of a read are put in order of sts, their values
// increase ("off-order"; with ByProcess only those of the same process, as the
// adds tell); no value is there twice ("duplicate"); every row whose add was
// acknowledged before the read began is there ("lost"); there are no more
// other rows than adds with an unknown outcome ("unexpected").
//
// Cost: O(n log n). Unknown: no such read ended ok, or a row cannot be read.
// Counterexample: "value 18 (#20) has the timestamp 5.1, before value 17 (#9)
// with 5.2."
func Monotonic(o MonotonicOptions) checkers.Checker {
	return checker{
		name:    "monotonic",
		judge:   func(r *report, ops []history.Operation) { judgeMonotonic(r, ops, o) },
		lacking: "No read of all rows ended ok, or there were none, so nothing is known about their order.",
		sum: func(r *report) string {
			return fmt.Sprintf("In the last reads (%d) all rows (%d) are in order of their timestamps.", r.counts["reads"], r.counts["rows"])
		},
	}
}

// A row is a value with the database's timestamp.
type row struct {
	val int64
	sts string
	op  history.Operation // the add that returned it; Invoke nil if none did
}

func judgeMonotonic(r *report, ops []history.Operation, o MonotonicOptions) {
	adds := make(map[int64]history.Operation)
	unknown := 0
	for i, op := range ops {
		if r.spend(1) {
			r.cutShort(i, len(ops))
			return
		}
		switch {
		case op.Invoke.F != fAdd:
		case op.Type() == history.Info:
			unknown++
		case op.Type() == history.OK:
			added, isRow := parseRow(op.Complete.Value)
			if !isRow {
				r.doubt("the add #%d has no row with val and sts: %s.", ret(op), show(op.Complete.Value))
				continue
			}
			if first, again := adds[added.val]; again && r.found("duplicate", first, op) {
				r.tell("duplicate", "value %d was added twice: by %s (#%d) and by %s (#%d).", added.val, who(first), ret(first), who(op), ret(op))
			}
			adds[added.val] = op
		}
	}
	for _, read := range finals(oks(ops, fRead)) {
		rows, whole := parseRows(read.Complete.Value, adds)
		if !whole {
			r.doubt("the read #%d is no array of rows with val and sts: %s.", ret(read), show(read.Complete.Value))
			continue
		}
		r.count("reads", 1)
		r.count("rows", len(rows))
		r.judged = r.judged || len(rows) > 0
		judgeRows(r, read, rows, adds, unknown)
		inOrder(r, read, rows, o)
	}
}

// parseRow reads {"val": 17, "sts": "123.0001"}.
func parseRow(value json.RawMessage) (row, bool) {
	var x row
	isValue, isTime := false, false
	c := scan(value)
	if !c.open('{') {
		return x, false
	}
	for c.more('}') {
		switch c.name() {
		case "val", "value":
			x.val, isValue = c.integer()
			if !isValue {
				c.value()
			}
		case "sts", "ts", "timestamp":
			x.sts = unquote(c.value())
			isTime = decimal(x.sts)
		default:
			c.value()
		}
	}
	return x, isValue && isTime && !c.bad
}

func parseRows(value json.RawMessage, adds map[int64]history.Operation) ([]row, bool) {
	if isNull(value) {
		return nil, true
	}
	var rows []row
	c := scan(value)
	if !c.open('[') {
		return nil, false
	}
	for c.more(']') {
		x, isRow := parseRow(c.value())
		if !isRow {
			return nil, false
		}
		x.op = adds[x.val]
		rows = append(rows, x)
	}
	return rows, !c.bad
}

// judgeRows judges which rows are there.
func judgeRows(r *report, read history.Operation, rows []row, adds map[int64]history.Operation, unknown int) {
	there := make(map[int64]bool, len(rows))
	strange := 0
	for _, x := range rows {
		if there[x.val] && r.found("duplicate", x.op, read) {
			r.tell("duplicate", "value %d is in the read of %s (#%d) more than once.", x.val, who(read), ret(read))
		}
		if !there[x.val] && x.op.Invoke == nil {
			strange++
		}
		there[x.val] = true
	}
	if strange > unknown && r.found("unexpected", read) {
		r.tell("unexpected", "the read of %s (#%d) has %s that no acknowledged add returned, but only %s an unknown outcome.",
			who(read), ret(read), say.Number(strange, "row"), have(unknown))
	}
	var lost []int64
	for val, add := range adds {
		if !there[val] && ret(add) < call(read) {
			lost = append(lost, val)
		}
	}
	slices.Sort(lost)
	for _, val := range lost {
		if r.found("lost", adds[val], read) {
			r.tell("lost", "value %d, added by %s and %s, is missing from the read of %s, %s.", val, who(adds[val]), ended(adds[val]), who(read), began(read))
		}
	}
}

func have(n int) string {
	if n == 1 {
		return "1 add has"
	}
	return fmt.Sprintf("%d adds have", n)
}

// inOrder judges the order of a read's rows.
func inOrder(r *report, read history.Operation, rows []row, o MonotonicOptions) {
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Or(compareDecimals(a.sts, b.sts), cmp.Compare(a.val, b.val)) })
	last := make(map[int]row)
	for _, x := range rows {
		process := 0
		if o.ByProcess {
			if x.op.Invoke == nil {
				continue
			}
			process = x.op.Invoke.Process
		}
		before, again := last[process]
		if again && x.val < before.val && r.found("off-order", x.op, before.op, read) {
			r.tell("off-order", "value %d has the timestamp %s, after value %d with %s, in the read of %s (#%d).",
				x.val, x.sts, before.val, before.sts, who(read), ret(read))
		}
		last[process] = x
	}
}

// decimal reports whether s is a number in plain decimals.
func decimal(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole, fraction, _ := strings.Cut(s, ".")
	return whole+fraction != "" && strings.Trim(whole+fraction, "0123456789") == ""
}

// compareDecimals compares plain decimals of any length.
func compareDecimals(a, b string) int {
	minus, other := strings.HasPrefix(a, "-"), strings.HasPrefix(b, "-")
	switch {
	case minus && other:
		return compareDecimals(b[1:], a[1:])
	case minus:
		return -1
	case other:
		return 1
	}
	x, p, _ := strings.Cut(a, ".")
	y, q, _ := strings.Cut(b, ".")
	x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y),
		cmp.Compare(strings.TrimRight(p, "0"), strings.TrimRight(q, "0")))
}
