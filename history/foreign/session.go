package foreign

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/shakedown-dev/shakedown/history"
)

// A transaction of a format that knows sessions and no time.
type transaction struct {
	session int
	aborted bool
	micro   []micro
}

// A micro is one read or write in a transaction. Keys and values are integers
// in all such formats.
type micro struct {
	write      bool
	key, value number
}

// A number is an integer, signed or of the full 64 bits: some keys are hashes.
type number struct {
	magnitude uint64
	negative  bool
}

func parseNumber(text []byte) (number, error) {
	digits, negative := bytes.CutPrefix(text, []byte("-"))
	magnitude, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil {
		return number{}, fmt.Errorf("%.40q is not an integer of 64 bits", text)
	}
	return number{magnitude, negative && magnitude > 0}, nil
}

func (n number) append(b []byte) []byte {
	if n.negative {
		b = append(b, '-')
	}
	return strconv.AppendUint(b, n.magnitude, 10)
}

// A ledger gathers transactions, in the order in which their files begin them.
type ledger struct {
	transactions []transaction
	// written are the values that anybody wrote, committed or not.
	written map[micro]bool
}

func newLedger() *ledger {
	return &ledger{written: make(map[micro]bool)}
}

// begin adds a transaction and returns its place.
func (l *ledger) begin(session int, aborted bool) int {
	l.transactions = append(l.transactions, transaction{session: session, aborted: aborted})
	return len(l.transactions) - 1
}

func (l *ledger) add(at int, m micro) {
	l.transactions[at].micro = append(l.transactions[at].micro, m)
	if m.write {
		l.written[m] = true
	}
}

// history makes two events of each transaction: number i is the events 2i and
// 2i+1, an operation txn by the process that is its session, ok or, if it was
// aborted, fail. In its invocation, reads have no value yet. A read of 0 is one
// of the initial state, null, if zeroIsInitial and nobody wrote a 0 there.
func (l *ledger) history(zeroIsInitial bool) (*history.History, error) {
	ops := make([]history.Op, 0, 2*len(l.transactions))
	for _, t := range l.transactions {
		op := history.Op{Index: history.NoIndex, Time: history.NoTime, Process: t.session, F: "txn"}
		invoke, complete := op, op
		invoke.Value = l.value(t.micro, func(micro) bool { return true })
		complete.Value = l.value(t.micro, func(m micro) bool {
			return zeroIsInitial && m.value == number{} && !l.written[micro{write: true, key: m.key}]
		})
		complete.Type = history.OK
		if t.aborted {
			complete.Type, complete.Error = history.Fail, "aborted"
		}
		ops = append(ops, invoke, complete)
	}
	h, err := history.Mend(ops, nil)
	if err != nil {
		return nil, err
	}
	h.SessionOnly = true
	return h, nil
}

// value writes micro-operations as JSON, with null for reads that are unknown.
func (l *ledger) value(all []micro, unknown func(micro) bool) json.RawMessage {
	b := []byte{'['}
	for i, m := range all {
		if i > 0 {
			b = append(b, ',')
		}
		name := `["r",`
		if m.write {
			name = `["w",`
		}
		b = append(m.key.append(append(b, name...)), ',')
		if !m.write && unknown(m) {
			b = append(b, "null"...)
		} else {
			b = m.value.append(b)
		}
		b = append(b, ']')
	}
	return append(b, ']')
}
