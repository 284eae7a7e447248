package fold

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// BankOptions say what is known about the accounts.
type BankOptions struct {
	// Initial are the balances at the beginning. If it is nil, they are those
	// of a read that ended before any transfer began, if there is one, and
	// accounts and total are those of the first read that ended ok.
	Initial map[string]int64
	// NegativeAllowed lets a balance be less than 0.
	NegativeAllowed bool
}

// Bank decides whether transfers between accounts keep the money together.
//
// It reads: transfer, {"from": "a", "to": "b", "amount": 5}, accounts being
// strings or numbers; read, ok with an object of all balances, {"a": 10,
// "b": 0}. Operations of all keys are judged together.
//
// Property: in every read that ended ok the balances add up to the total
// ("wrong-total"), none is null ("null-balance") or, unless allowed, negative
// ("negative"), and none is of an account that there is not
// ("unexpected-account"). Snapshot isolation is enough for that. And a read
// that began after the last acknowledged transfer has, for every account, at
// least what is left if of the transfers with an unknown outcome all outgoing
// ones and no incoming one happened, and at most the reverse
// ("lost-transfer"). That one asks reads to see what was acknowledged before
// they began.
//
// Cost: O(n + accounts in all reads). Unknown: no read ended ok; only one did,
// and nothing says what the total is; a balance is no integer. Without initial
// balances the second property is not judged, and the verdict says so.
// Counterexample: "process 3 through n2 read balances that add up to 97 (#20),
// not 100."
func Bank(o BankOptions) checkers.Checker {
	return checker{
		name: "bank", whole: true,
		judge:   func(r *report, ops []history.Operation) { judgeBank(r, ops, o) },
		lacking: "No read of the balances ended ok, so nothing is known about them.",
		sum:     sumBank,
	}
}

func sumBank(r *report) string {
	says := fmt.Sprintf("The balances of all reads (%d) add up to %d.", r.counts["reads"], r.counts["total"])
	if n := r.counts["final-reads"]; n > 0 {
		return says + fmt.Sprintf(" In the reads after the last transfer (%d) every account has what the transfers (%d) leave it with.", n, r.counts["transfers"])
	}
	return says + " Whether every transfer arrived was not judged: the balances at the beginning are unknown, or no read began after the last transfer."
}

// A bank is what is known about the accounts, which are numbered.
type bank struct {
	BankOptions
	accounts map[string]int
	names    []string
	balances []balance // of the read in hand
	initial  []int64   // nil: unknown
	total    int64
}

// A balance is what a read says of an account.
type balance struct {
	account int
	amount  int64
}

func judgeBank(r *report, ops []history.Operation, o BankOptions) {
	b := &bank{BankOptions: o, accounts: make(map[string]int)}
	reads := oks(ops, fRead)
	if !b.open(r, reads) {
		return
	}
	ledger := b.book(r, ops)
	for i, read := range reads {
		if r.spend(1 + len(b.names)) {
			r.cutShort(i, len(reads))
			return
		}
		if !b.parse(r, read) {
			continue
		}
		b.add(r, read)
		if b.initial == nil && ret(read) < ledger.began {
			b.initial = b.spread()
		}
		if b.initial != nil && call(read) > ledger.ended {
			b.compare(r, read, ledger)
		}
	}
}

// open learns accounts and total, and reports whether there is anything to judge.
func (b *bank) open(r *report, reads []history.Operation) bool {
	if len(reads) == 0 {
		return false
	}
	r.judged = true
	if b.Initial != nil {
		for _, name := range slices.Sorted(maps.Keys(b.Initial)) {
			b.account(name)
			b.initial = append(b.initial, b.Initial[name])
			b.total += b.Initial[name]
		}
	} else {
		c := scan(reads[0].Complete.Value)
		for c.open('{'); c.i > 0 && c.more('}'); c.value() {
			b.account(c.name())
		}
		if b.parse(r, reads[0]) {
			b.total = b.sum()
		}
		if len(reads) == 1 {
			r.doubt("Only one read ended ok (#%d), and nothing says what the balances should add up to.", ret(reads[0]))
		}
	}
	r.counts["total"] = b.total
	return true
}

// account returns the number of an account, a new one if it is new.
func (b *bank) account(name string) int {
	at, found := b.accounts[name]
	if !found {
		at = len(b.names)
		b.accounts[name] = at
		b.names = append(b.names, name)
	}
	return at
}

// parse reads the balances of a read, and reports whether they can be added up.
func (b *bank) parse(r *report, read history.Operation) bool {
	b.balances = b.balances[:0]
	c := scan(read.Complete.Value)
	if !c.open('{') {
		r.doubt("the read #%d is no object of balances: %s.", ret(read), show(read.Complete.Value))
		return false
	}
	strange := false
	for c.more('}') {
		name := c.name()
		at, known := b.accounts[name]
		if !known {
			strange = true
			if r.found("unexpected-account", read) {
				r.tell("unexpected-account", "%s read the balance of account %s (#%d), which there is not.", who(read), name, ret(read))
			}
		}
		amount, isInteger := c.integer()
		if isInteger {
			b.balances = append(b.balances, balance{at, amount})
			continue
		}
		strange = true
		b.odd(r, read, name, c.value())
	}
	return !strange
}

// odd judges a balance that is not written as an integer.
func (b *bank) odd(r *report, read history.Operation, name string, value json.RawMessage) {
	if !isNull(value) {
		r.doubt("the balance of account %s in the read #%d is no integer: %s.", name, ret(read), show(value))
		return
	}
	if r.found("null-balance", read) {
		r.tell("null-balance", "%s read null as the balance of account %s (#%d).", who(read), name, ret(read))
	}
}

func (b *bank) sum() int64 {
	sum := int64(0)
	for _, x := range b.balances {
		sum += x.amount
	}
	return sum
}

// spread returns the balances by account.
func (b *bank) spread() []int64 {
	all := make([]int64, len(b.names))
	for _, x := range b.balances {
		all[x.account] = x.amount
	}
	return all
}

// add judges the read in hand by itself.
func (b *bank) add(r *report, read history.Operation) {
	r.count("reads", 1)
	if sum := b.sum(); sum != b.total && r.found("wrong-total", read) {
		r.tell("wrong-total", "%s read balances that add up to %d (#%d), not %d: %s.", who(read), sum, ret(read), b.total, show(read.Complete.Value))
	}
	for _, x := range b.balances {
		if x.amount < 0 && !b.NegativeAllowed && r.found("negative", read) {
			r.tell("negative", "%s read a balance of %d for account %s (#%d).", who(read), x.amount, b.names[x.account], ret(read))
		}
	}
}
