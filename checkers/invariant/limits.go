package invariant

import "github.com/shakedown-dev/shakedown/history"

// Limits bound what a script may take. A limit of zero is the default.
type Limits struct {
	// Steps are the interpreter's steps in one call of a user's function.
	Steps uint64
	// Bytes is what one call may put into new values, given back or not.
	Bytes int64
	// State is how many bytes a rule may keep from one call to the next.
	State int64
	// Frontier is how many ways to explain a history a model may have open.
	Frontier int
}

const (
	// maxSource bounds a file, so that no nesting of brackets in it can
	// exhaust the stack of the parser.
	maxSource = 64 << 10
	// maxRange bounds range(), because builtins run through one in one step.
	maxRange = 10_000_000
	// maxInt bounds products of integers, in bytes, because they take time that
	// grows faster than their size.
	maxInt = 16 << 10
	// maxDepth bounds how deep values may be nested where we walk them.
	maxDepth = 200
	// maxErrors is how many errors of a script we count before giving up.
	maxErrors = 100
	// maxPrint is how many bytes of print() are kept.
	maxPrint = 64 << 10
	// maxRules is how many rules a file may declare.
	maxRules = 1000
	// maxStep is how many next states one step of a model may name.
	maxStep = 10_000
)

func (l Limits) orDefault() Limits {
	if l.Steps == 0 {
		l.Steps = 2_000_000
	}
	if l.Bytes == 0 {
		l.Bytes = 64 << 20
	}
	if l.State == 0 {
		l.State = 256 << 20
	}
	if l.Frontier == 0 {
		l.Frontier = 100_000
	}
	return l
}

// forWhole are the limits of one call that sees all of h: more of it, more room.
func (l Limits) forWhole(h *history.History) Limits {
	events := len(h.Ops)
	l.Steps = 5*l.Steps + 2_500*uint64(events)
	l.Bytes = 4*l.Bytes + 1_024*int64(events)
	return l
}
