package checkers

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

const (
	// shownValue is how many characters of a value are quoted.
	shownValue = 40
	// shownTangle is how many operations of a counterexample without a
	// pattern are told in words.
	shownTangle = 8
)

// explain fills in what a reader needs to believe a violation: of the clearest
// key in sentences, of the others the names.
func (c linearizable) explain(ctx context.Context, r *Result, t tallied, faults []history.FaultWindow) {
	k := clearest(t.violated, faults)
	if k.found == nil {
		ctx, cancel := context.WithTimeout(ctx, shrinkTime)
		defer cancel()
		k.found = entangled(shrink(ctx, k.accesses))
	}
	r.Says = append(k.tell(), FaultSentence(k.found.blamed().op, faults), t.violatedSentence(k))
	if says := t.unjudgedSentence(); says != "" {
		r.Says = append(r.Says, says)
	}
	for i := range k.found.core {
		r.Evidence = append(r.Evidence, k.found.core[i].events()...)
	}
	slices.Sort(r.Evidence)
	r.Pages = pages(k, faults)
}

// tell returns the story of the key's contradiction. A mistake in the telling
// must not hide that there is one.
func (k *judgement) tell() (says []string) {
	defer func() {
		if cause := recover(); cause != nil {
			says = []string{fmt.Sprintf("%s is not linearizable; putting that into words broke the checker: %v.", say.Capital(k.name()), cause)}
		}
	}()
	return story{judgement: k, contradiction: k.found}.tell()
}

// blamed is the operation at whose moment we look for faults.
func (c *contradiction) blamed() *access {
	if !c.culprit.certain() {
		for i := range c.core {
			if c.core[i].id() == c.culprit.witness {
				return &c.core[i]
			}
		}
	}
	return c.culprit
}

// events are the indexes of the events of the access.
func (a *access) events() []int {
	if a.op.Complete == nil {
		return []int{a.op.Invoke.Index}
	}
	return []int{a.op.Invoke.Index, a.op.Complete.Index}
}

// clearest chooses the key to explain; one without a pattern comes last.
func clearest(violated []*judgement, faults []history.FaultWindow) *judgement {
	return slices.MinFunc(violated, func(a, b *judgement) int {
		switch {
		case a.found != nil && b.found != nil:
			return compare(a.found, b.found, faults)
		case a.found != nil:
			return -1
		case b.found != nil:
			return 1
		}
		return 0
	})
}

// entangled makes a contradiction of operations that fit no pattern.
func entangled(core []access) *contradiction {
	c := &contradiction{pattern: tangle, core: core}
	for i := range core {
		a := &core[i]
		if c.culprit == nil || a.certain() && (!c.culprit.certain() || a.ret > c.culprit.ret) {
			c.culprit = a
		}
	}
	return c
}

// violatedSentence puts the one key into its place among the others.
func (t tallied) violatedSentence(told *judgement) string {
	if t.keys() == 1 {
		return say.Capital(t.operationsPhrase()) + t.enginesPhrase() + "."
	}
	others := make([]string, 0, len(t.violated))
	for _, k := range t.violated {
		if k != told {
			others = append(others, k.key)
		}
	}
	slices.Sort(others)
	says := fmt.Sprintf("Of %d keys %s linearizable", t.keys(), say.Are(len(t.valid)))
	if len(others) > 0 {
		says += "; also violated: " + say.Few(others, 8)
	}
	return says + "; " + t.operationsPhrase() + t.enginesPhrase() + "."
}

// A story tells one contradiction of one key.
type story struct {
	*judgement
	*contradiction
}

// tell returns the sentences; each begins with the key only if it is the first.
func (s story) tell() []string {
	var says []string
	switch s.pattern {
	case garbage:
		says = s.tellGarbage()
	case future:
		says = s.tellFuture()
	case twice:
		says = s.tellTwice()
	case stale:
		says = s.tellStale()
	case both:
		says = s.tellBoth()
	default:
		says = s.tellTangle()
	}
	says[0] = say.Capital(s.name()) + ": " + says[0]
	return says
}

func (s story) tellGarbage() []string {
	value := s.show(s.value.value)
	says := fmt.Sprintf("%s, but nobody ever wrote %s: a garbage read.", s.saw(s.culprit), value)
	if o, ok := s.failed[s.value.value]; ok {
		says = fmt.Sprintf("%s, which only process %d tried to write%s, and that failed (#%d%s): a read of a write that did not happen.",
			s.saw(s.culprit), o.Invoke.Process, through(o), o.Complete.Index, because(o))
	}
	if w := s.witnessOf(s.culprit); w != nil {
		says = fmt.Sprintf("%s; that rests on a cas whose result is unknown: %s; but nobody ever wrote %s: a garbage read.",
			s.saw(w), s.deed(s.culprit), value)
	}
	return []string{says}
}

func because(o history.Operation) string {
	if o.Complete.Error == "" {
		return ""
	}
	return ", " + say.Cut(o.Complete.Error, shownLine)
}

func (s story) tellFuture() []string {
	w := s.value.setter
	return append([]string{fmt.Sprintf("%s, before anybody had written %s: %s only %s later, at %s (#%d).",
		s.saw(s.culprit), s.show(s.value.value), s.began(w), gap(settled(s.culprit.op), w.op.Start()), say.Moment(w.op.Start()), w.call)},
		s.whyHappened(s.culprit)...)
}

func (s story) tellTwice() []string {
	once := s.show(s.value.value) + " was written only once"
	if s.value.value == initial {
		once = "the key was absent only at first and no cas makes it absent again"
	}
	says := []string{fmt.Sprintf("two compare-and-sets replaced the same %s: %s, and %s; but %s.",
		s.show(s.value.value), s.deed(s.missed), s.deed(s.culprit), once)}
	return append(says, append(s.whyHappened(s.missed), s.whyHappened(s.culprit)...)...)
}

// tellStale names the access, the write that it missed, and how old its value was.
func (s story) tellStale() []string {
	newer := s.show(s.other.value)
	first := fmt.Sprintf("%s, but %s had already replaced it: ", s.saw(s.culprit), newer)
	before := gap(s.proof.op.Start(), s.culprit.op.Start())
	if s.proof.certain() {
		before = gap(settled(s.proof.op), s.culprit.op.Start())
	}
	if s.proof == s.missed && s.proof.certain() {
		first += fmt.Sprintf("%s, %s before the %s began.", s.deed(s.missed), before, s.culprit.op.Invoke.F)
	} else {
		first += fmt.Sprintf("%s, and %s, %s before the %s began.", s.deed(s.missed), s.saw(s.proof), before, s.culprit.op.Invoke.F)
	}
	says := []string{first}
	if s.older != nil && s.older != s.culprit {
		says = append(says, s.olderSentence(newer))
	}
	if more := s.newerSentence(newer); more != "" {
		says = append(says, more)
	}
	return append(says, s.whyHappened(s.proof)...)
}

// olderSentence shows that the value of the stale access came first.
func (s story) olderSentence(newer string) string {
	what := s.saw
	if s.older == s.value.setter {
		what = s.deed
	}
	return fmt.Sprintf("%s is the older of the two: %s, before the %s of %s was invoked (#%d).",
		s.show(s.value.value), what(s.older), s.missed.op.Invoke.F, newer, s.missed.call)
}

// newerSentence tells how much was missed, and whether it was lost for all.
func (s story) newerSentence(newer string) string {
	switch {
	case s.lost:
		return fmt.Sprintf("No operation ever saw %s, nor anything newer: the acknowledged write looks lost.", newer)
	case s.skipped > 1:
		return fmt.Sprintf("It missed %d acknowledged writes.", s.skipped)
	}
	return ""
}

func (s story) tellBoth() []string {
	a, b := s.value, s.other
	x, y := s.show(a.value), s.show(b.value)
	return []string{
		fmt.Sprintf("%s and %s must each have come before the other.", x, y),
		s.order(x, y, a.first, b.last),
		s.order(y, x, b.first, a.last),
	}
}

// order tells why x came before y: of the one's operations first was over
// before the other's last began.
func (s story) order(x, y string, first, last *access) string {
	return fmt.Sprintf("%s came before %s, because %s, and only then, at %s (#%d), %s.",
		x, y, s.deed(first), say.Moment(last.op.Start()), last.call, s.began(last))
}

func (s story) tellTangle() []string {
	deeds := make([]string, 0, len(s.core))
	for i := range s.core {
		deeds = append(deeds, s.deed(&s.core[i]))
	}
	n := len(deeds)
	if n > shownTangle {
		deeds = append(deeds[:shownTangle], fmt.Sprintf("and %d more", n-shownTangle))
	}
	says := fmt.Sprintf("no order of these %s explains them all: ", say.Number(n, "operation"))
	for i, d := range deeds {
		if i > 0 {
			says += "; "
		}
		says += d
	}
	return []string{says + "."}
}

// whyHappened explains why an operation with an unknown result counts: what it
// did was seen.
func (s story) whyHappened(a *access) []string {
	w := s.witnessOf(a)
	if w == nil {
		return nil
	}
	return []string{fmt.Sprintf("The %s of process %d has an unknown result, but it must have happened: %s.",
		a.op.Invoke.F, a.op.Invoke.Process, s.saw(w))}
}

// witnessOf returns what proves that an operation with an unknown result
// happened, and nil for one that is certain.
func (s story) witnessOf(a *access) *access {
	if a.certain() {
		return nil
	}
	for i := range s.core {
		if s.core[i].id() == a.witness {
			return &s.core[i]
		}
	}
	return nil
}

// show writes a value for a reader.
func (s story) show(value int) string {
	if value == initial && s.values[initial] == null {
		return "nothing (null)"
	}
	return say.Cut(s.values[value], shownValue)
}

// saw tells what an access observed: "process 4 read 17 from n4 at 22.318s (#812)".
func (s story) saw(a *access) string {
	switch {
	case a.needs == nothing:
		return s.deed(a)
	case a.sets != nothing:
		return s.deed(a)
	}
	from := ""
	if n := a.op.Invoke.Node; n != "" {
		from = " from " + n
	}
	verb := "read"
	if a.op.Type() == history.Fail {
		verb = "found"
	}
	return fmt.Sprintf("process %d %s %s%s at %s (#%d)", a.op.Invoke.Process, verb, s.show(a.needs), from, say.Moment(settled(a.op)), last(a.op))
}

// deed tells what an access did and how that ended.
func (s story) deed(a *access) string {
	o := a.op
	if a.sets == nothing && a.needs != nothing {
		return s.saw(a)
	}
	if a.refuses != nothing {
		return fmt.Sprintf("process %d did not find %s%s at %s (#%d)", o.Invoke.Process, s.show(a.refuses), through(o), say.Moment(settled(o)), last(o))
	}
	if !a.certain() {
		return fmt.Sprintf("process %d tried to %s%s from %s on (#%d, result unknown)", o.Invoke.Process, s.attempt(a), through(o), say.Moment(o.Start()), a.call)
	}
	verb := "wrote " + s.show(a.sets)
	if a.needs != nothing {
		verb = fmt.Sprintf("replaced %s by %s", s.show(a.needs), s.show(a.sets))
	}
	return fmt.Sprintf("process %d %s%s, acknowledged at %s (#%d)", o.Invoke.Process, verb, through(o), say.Moment(settled(o)), last(o))
}

// attempt is what an access that sets a value was to do.
func (s story) attempt(a *access) string {
	if a.needs != nothing {
		return fmt.Sprintf("replace %s by %s", s.show(a.needs), s.show(a.sets))
	}
	return "write " + s.show(a.sets)
}

// began tells that an access was invoked.
func (s story) began(a *access) string {
	if a.sets == nothing {
		return fmt.Sprintf("process %d began to read %s%s", a.op.Invoke.Process, s.show(a.needs), through(a.op))
	}
	return fmt.Sprintf("process %d began to %s%s", a.op.Invoke.Process, s.attempt(a), through(a.op))
}

func through(o history.Operation) string {
	if o.Invoke.Node == "" {
		return ""
	}
	return " through " + o.Invoke.Node
}

// last is the index of the operation's last event.
func last(o history.Operation) int {
	if o.Complete == nil {
		return o.Invoke.Index
	}
	return o.Complete.Index
}

// gap writes how much time lies between two events. The clock may not have
// moved; the order of events is certain all the same.
func gap(from, to time.Duration) string {
	if to <= from {
		return "just"
	}
	return say.Span(to - from)
}
