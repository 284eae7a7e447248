package txn

import (
	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// Names of levels that the code itself speaks about.
const (
	strictSerializable = "strict-serializable"
	sessionSerial      = "strong-session-serializable"
	serializable       = "serializable"
	strongSI           = "strong-snapshot-isolation"
	sessionSI          = "strong-session-snapshot-isolation"
	snapshotIsolation  = "snapshot-isolation"
	repeatableRead     = "repeatable-read"
	consistentView     = "consistent-view"
	readCommitted      = "read-committed"
	readUncommitted    = "read-uncommitted"
	readAtomic         = "read-atomic"
	sessionCausal      = "session-causal"
	sessionAtomic      = "session-read-atomic"
	sessionCommitted   = "session-read-committed"
)

// Options say what transactions are judged against, and what may be taken for
// granted about the system.
type Options struct {
	// Level is the isolation level asked for, one of [Levels]; empty means
	// strict-serializable.
	Level string
	// SequentialKeys says that every single register is known to be
	// sequentially consistent: the order in which a process meets its
	// versions is their order. Only for registers. Levels with sessions
	// imply it, so it need not be set to judge those.
	SequentialKeys bool
	// LinearizableKeys says that every single register is known to be
	// linearizable. Only for registers. The strong levels imply it.
	LinearizableKeys bool
	// AnyInitial says that the history is cut out of a longer one: a register
	// may begin with a value that nobody wrote, if it is one value only.
	AnyInitial bool
	// NoSessions makes read-committed, read-atomic and causal of registers
	// mean the levels of transactions alone. Without it they include, as
	// Biswas and Enea define them, that a process's transactions follow each
	// other and that reads within a transaction do not go back. So do
	// snapshot-isolation and serializable, if the history knows the order
	// within sessions only ([history.History.SessionOnly]).
	NoSessions bool
	// Order tells the place of a transaction in the order of commits that the
	// system itself gave (a revision, a commit timestamp); false if unknown.
	// Only for registers. nil: the system gave none.
	Order func(history.Operation) (place int64, known bool)
}

// ListAppend judges transactions of ["append", k, v] and ["r", k, list].
// Every value may be appended to a key once; a value that was appended twice
// proves nothing, and the verdict is then at best unknown.
func ListAppend(o Options) checkers.Checker {
	l, err := newLattice()
	return &checker{name: "list-append", options: o, lists: true, lattice: l, broken: err}
}

// RWRegister judges transactions of ["w", k, v] and ["r", k, v]. Every value
// may be written to a key once, as for [ListAppend].
func RWRegister(o Options) checkers.Checker {
	l, err := newLattice()
	return &checker{name: "rw-register", options: o, lattice: l, broken: err}
}

// A checker is one of the two.
type checker struct {
	name    string
	options Options
	lists   bool
	lattice *lattice
	// broken is why there is no lattice.
	broken error
}

// Name returns "list-append" or "rw-register".
func (c *checker) Name() string {
	return c.name
}
