package fold

import (
	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// A ledger is what all transfers do to the accounts.
type ledger struct {
	// began is when the first transfer began that did not fail; ended is when
	// the last one was acknowledged, or open if a transfer cannot be read.
	began, ended int
	// certain is what acknowledged transfers add to each account; in and out
	// are what transfers with an unknown outcome may add and take.
	certain, in, out []int64
	transfers        [][]history.Operation // by account, at most a few
}

// provenTransfers is how many transfers of an account go into the evidence.
const provenTransfers = 16

// book adds up all transfers.
func (b *bank) book(r *report, ops []history.Operation) *ledger {
	l := &ledger{began: open, ended: -1}
	for _, o := range ops {
		if o.Invoke.F != "transfer" || o.Type() == history.Fail {
			continue
		}
		l.began = min(l.began, call(o))
		if !l.enter(b, o) {
			r.doubt("the transfer #%d is no object with from, to and amount: %s.", call(o), show(o.Invoke.Value))
			l.ended = open
			return l
		}
		if o.Type() == history.OK {
			l.ended = max(l.ended, ret(o))
		}
		r.count("transfers", 1)
	}
	return l
}

// enter adds one transfer, and reports whether it could be read. Transfers
// with accounts that there are not are left out: their reads tell.
func (l *ledger) enter(b *bank, o history.Operation) bool {
	var from, to string
	amount, whole := int64(0), false
	c := scan(o.Invoke.Value)
	if !c.open('{') {
		return false
	}
	for c.more('}') {
		switch c.name() {
		case "from":
			from = unquote(c.value())
		case "to":
			to = unquote(c.value())
		case "amount":
			if amount, whole = c.integer(); !whole {
				return false
			}
		default:
			c.value()
		}
	}
	l.change(b, from, -amount, o)
	l.change(b, to, amount, o)
	return whole && !c.bad
}

// change adds delta, which may be negative, to an account.
func (l *ledger) change(b *bank, name string, delta int64, o history.Operation) {
	at, known := b.accounts[name]
	if !known {
		return
	}
	for len(l.certain) < len(b.names) {
		l.certain, l.in, l.out = append(l.certain, 0), append(l.in, 0), append(l.out, 0)
		l.transfers = append(l.transfers, nil)
	}
	switch {
	case o.Type() == history.OK:
		l.certain[at] += delta
	case delta > 0:
		l.in[at] += delta
	default:
		l.out[at] += delta
	}
	l.transfers[at] = append(l.transfers[at], o)
}

// compare judges a read that began after all acknowledged transfers.
func (b *bank) compare(r *report, read history.Operation, l *ledger) {
	r.count("final-reads", 1)
	for _, x := range b.balances {
		low, high := b.initial[x.account], b.initial[x.account]
		if x.account < len(l.certain) {
			low += l.certain[x.account] + l.out[x.account]
			high += l.certain[x.account] + l.in[x.account]
		}
		if x.amount >= low && x.amount <= high {
			continue
		}
		proof := []history.Operation{read}
		if x.account < len(l.transfers) {
			last := l.transfers[x.account]
			proof = append(proof, last[max(0, len(last)-provenTransfers):]...)
		}
		if r.found("lost-transfer", proof...) {
			r.tell("lost-transfer", "account %s has %d in the read of %s (#%d), begun after every transfer was acknowledged; it began with %d, and with %s it must have between %d and %d.",
				b.names[x.account], x.amount, who(read), ret(read), b.initial[x.account], say.Number(len(proof)-1, "transfer"), low, high)
		}
	}
}
