package invariant

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// A frontier goes through the events of one group in real order and holds all
// ways to explain what has been answered so far. A way is a state of the model
// and which of the operations that are open now have already taken effect.
//
// Operations take effect as late as possible: only when one is answered, it and
// others that are open at that moment are put in order. That loses nothing:
// in any order that explains the history, an operation that took effect before
// the next answer can be moved to just before it, the order kept.
//
// An operation whose outcome is unknown stays open for ever and need not take
// effect. So of two ways with the same state, in which the same answered
// operations have taken effect, the one in which fewer unknown ones have can do
// all that the other can, and the other is dropped.
//
// A first pass is lazy: unknown operations take effect only where nothing else
// explains an answer. All that it finds is an explanation, but it does not find
// all. So if it comes to the end, the history is valid; else the full pass decides.
//
// Cost: a step of the model for each pair of a state and an open operation; ways
// grow with the number of orders of what is open at a time, in the worst case
// exponentially. Their number is limited.
type frontier struct {
	judge   *judge
	model   model
	space   *space
	entries []*entry
	ways    map[string]*way
	slots   []*entry // what is open, by slot; nil is free
	lazy    bool
	judged  int64
	inHand  *op
	shown   []*op // of the proof
	steps   int
}

// An entry is an operation that the model must explain.
type entry struct {
	o      *op
	slot   int
	open   bool // its outcome is unknown: it never closes
	memo   map[int32][]int32
	reason []string // why the model refused it, where it says so
}

// A way is one explanation of what came before.
type way struct {
	state int32
	done  string // which slots have taken effect; a set of bits, without zeros at the end
	trail *trail
}

// A trail is the order of a way, from its end.
type trail struct {
	o      *op
	before *trail
}

func (w *way) key() string {
	return string([]byte{byte(w.state), byte(w.state >> 8), byte(w.state >> 16), byte(w.state >> 24)}) + w.done
}

func has(done string, slot int) bool {
	return slot/8 < len(done) && done[slot/8]&(1<<(slot%8)) != 0
}

func with(done string, slot int) string {
	bits := []byte(done)
	for len(bits) <= slot/8 {
		bits = append(bits, 0)
	}
	bits[slot/8] |= 1 << (slot % 8)
	return string(bits)
}

func without(done string, slot int) string {
	bits := []byte(done)
	bits[slot/8] &^= 1 << (slot % 8)
	return strings.TrimRight(string(bits), "\x00")
}

func newFrontier(j *judge, m model, group []*op, lazy bool) *frontier {
	f := &frontier{judge: j, lazy: lazy, model: m, space: newSpace(j.machine), ways: make(map[string]*way)}
	for _, o := range group {
		f.entries = append(f.entries, &entry{o: o, open: o.did.Type() == history.Info, memo: make(map[int32][]int32)})
	}
	return f
}

// A turn is the moment at which an entry is asked or answered.
type turn struct {
	index int
	e     *entry
	call  bool
}

func (f *frontier) turns() []turn {
	var turns []turn
	for _, e := range f.entries {
		turns = append(turns, turn{e.o.did.Invoke.Index, e, true})
		if !e.open {
			turns = append(turns, turn{e.o.did.Complete.Index, e, false})
		}
	}
	slices.SortFunc(turns, func(a, b turn) int { return a.index - b.index })
	return turns
}

// run returns the first entry whose answer no way explains; nil if all are.
func (f *frontier) run() (*entry, error) {
	state, err := f.model.first(f.space)
	if err != nil {
		return nil, err
	}
	start := &way{state: state}
	f.ways[start.key()] = start
	for _, t := range f.turns() {
		f.inHand = t.e.o
		if t.call {
			f.take(t.e)
			continue
		}
		f.judged++
		next, err := f.answer(t.e, !f.lazy)
		if err == nil && len(next) == 0 && f.lazy {
			next, err = f.answer(t.e, true)
		}
		if err != nil {
			return nil, f.explain(err, t)
		}
		if len(next) == 0 {
			return t.e, nil
		}
		f.ways = next
		f.slots[t.e.slot] = nil
		t.e.memo = nil
		f.tidy()
	}
	return nil, nil
}

// take gives an entry a slot.
func (f *frontier) take(e *entry) {
	for slot, taken := range f.slots {
		if taken == nil {
			e.slot = slot
			f.slots[slot] = e
			return
		}
	}
	e.slot = len(f.slots)
	f.slots = append(f.slots, e)
}

var errWays = errors.New("too many ways")

func (f *frontier) explain(err error, t turn) error {
	at := fmt.Sprintf("; it got as far as event %d at %s", t.index, say.Moment(t.e.o.moment()))
	switch {
	case errors.Is(err, errWays):
		return &broke{unsure: true, says: fmt.Sprintf("there are more than %d ways to explain the operations so far%s", f.judge.machine.limits.Frontier, at)}
	case errors.Is(err, errStates):
		return &broke{unsure: true, says: err.Error() + at}
	}
	return err
}

// answer returns the ways in which e has taken effect, e no longer open. unknown
// says that operations whose outcome is unknown may have, too.
func (f *frontier) answer(e *entry, unknown bool) (map[string]*way, error) {
	next := make(map[string]*way)
	seen := make(map[string]bool, len(f.ways))
	var todo []*way
	for _, key := range f.keys() {
		seen[key] = true
		todo = append(todo, f.ways[key])
	}
	for len(todo) > 0 {
		var later []*way
		for _, w := range todo {
			if has(w.done, e.slot) {
				after := &way{state: w.state, done: without(w.done, e.slot), trail: w.trail}
				next[after.key()] = after
				continue
			}
			more, err := f.extend(w, unknown)
			if err != nil {
				return nil, err
			}
			for _, m := range more {
				if key := m.key(); !seen[key] {
					seen[key] = true
					later = append(later, m)
				}
			}
			if len(seen) > f.judge.machine.limits.Frontier {
				return nil, errWays
			}
		}
		if f.lazy && unknown && len(next) > 0 {
			break // as few unknown operations as will do
		}
		todo = later
	}
	return f.best(next), nil
}

// keys are the keys of all ways in order, so that the same history gives the
// same words.
func (f *frontier) keys() []string {
	keys := make([]string, 0, len(f.ways))
	for key := range f.ways {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// extend returns all ways in which one more open operation has taken effect.
func (f *frontier) extend(w *way, unknown bool) ([]*way, error) {
	var more []*way
	for slot, e := range f.slots {
		if e == nil || e.open && !unknown || has(w.done, slot) {
			continue
		}
		states, err := f.step(w.state, e)
		if err != nil {
			return nil, err
		}
		for _, state := range states {
			if e.open && state == w.state {
				continue // it is as if it did not happen
			}
			more = append(more, &way{state: state, done: with(w.done, slot),
				trail: &trail{o: e.o, before: w.trail}})
		}
	}
	return more, nil
}

func (f *frontier) step(state int32, e *entry) ([]int32, error) {
	if states, ok := e.memo[state]; ok {
		return states, nil
	}
	if f.steps++; f.steps%64 == 0 && f.judge.machine.ctx.Err() != nil {
		return nil, errTime
	}
	f.inHand = e.o
	states, reason, err := f.model.next(f.space, state, e.o)
	if err != nil {
		return nil, err
	}
	if reason != "" && len(e.reason) < 3 && !slices.Contains(e.reason, reason) {
		e.reason = append(e.reason, reason)
	}
	e.memo[state] = states
	return states, nil
}

// best drops the ways that another one covers.
func (f *frontier) best(ways map[string]*way) map[string]*way {
	var unknown []int
	for slot, e := range f.slots {
		if e != nil && e.open {
			unknown = append(unknown, slot)
		}
	}
	if len(unknown) == 0 || len(ways) < 2 {
		return ways
	}
	alike := make(map[string][]*way)
	for _, w := range ways {
		known := *w
		for _, slot := range unknown {
			if has(known.done, slot) {
				known.done = without(known.done, slot)
			}
		}
		alike[known.key()] = append(alike[known.key()], w)
	}
	for _, group := range alike {
		for _, w := range group {
			for _, other := range group {
				if other != w && other.done != w.done && covers(other.done, w.done) {
					delete(ways, w.key())
				}
			}
		}
	}
	return ways
}

// covers reports whether all that is done in a is done in b.
func covers(a, b string) bool {
	if len(a) > len(b) {
		return false
	}
	for i := range a {
		if a[i]&^b[i] != 0 {
			return false
		}
	}
	return true
}

// tidy forgets the states that no way is in any more, once they are many.
func (f *frontier) tidy() {
	old := f.space
	if len(old.values) < 4096+4*len(f.ways) {
		return
	}
	f.space = newSpace(old.machine)
	f.space.made = old.made
	ways := make(map[string]*way, len(f.ways))
	for _, key := range f.keys() {
		w := f.ways[key]
		text := old.texts[w.state]
		n, ok := f.space.numbers[text]
		if !ok {
			n = int32(len(f.space.values))
			f.space.numbers[text] = n
			f.space.values = append(f.space.values, old.values[w.state])
			f.space.texts = append(f.space.texts, text)
			f.space.bytes += int64(4*len(text) + 200)
		}
		w.state = n
		ways[w.key()] = w
	}
	f.ways = ways
	for _, e := range f.slots {
		if e != nil {
			clear(e.memo)
		}
	}
}

// proof says in sentences what the model could do before the culprit.
func (f *frontier) proof(culprit *entry) []string {
	keys := f.keys()
	var states []string
	for _, key := range keys {
		if s := f.show(f.ways[key].state); !slices.Contains(states, s) {
			states = append(states, s)
		}
	}
	says := []string{"After all that was answered before, the model can be in " + few(states, 4, "or") + "."}
	for _, reason := range culprit.reason {
		says = append(says, "The model refuses it: "+sentence(reason))
	}
	says = append(says, f.order(f.ways[keys[0]])...)
	return append(says, f.stillOpen(culprit, f.ways[keys[0]])...)
}

func (f *frontier) show(state int32) string {
	return show(f.space.values[state])
}

// order tells the end of one order that explains what came before.
func (f *frontier) order(w *way) []string {
	var words []string
	t := w.trail
	for ; t != nil && len(words) < 6; t = t.before {
		f.shown = append(f.shown, t.o)
		words = append(words, fmt.Sprintf("%s (event %d)", brief(t.o), t.o.last().Index))
	}
	if len(words) == 0 {
		return nil
	}
	slices.Reverse(words)
	if t != nil {
		words[0] = "… " + words[0]
	}
	return []string{"One order that explains all before it: " + strings.Join(words, "; ") + "."}
}

// brief is an operation in a few words: write 5, read → 5.
func brief(o *op) string {
	s := o.did.Invoke.F
	if in := string(o.did.Invoke.Value); in != "" && in != "null" {
		s += " " + say.Cut(in, 40)
	}
	if c := o.did.Complete; c != nil && c.Type == history.OK && len(c.Value) > 0 && string(c.Value) != string(o.did.Invoke.Value) {
		s += " → " + say.Cut(string(c.Value), 40)
	}
	if o.did.Type() != history.OK {
		s += " (" + o.did.Type().String() + ")"
	}
	return s
}

// stillOpen names what might have explained the culprit, but does not.
func (f *frontier) stillOpen(culprit *entry, w *way) []string {
	var words []string
	for _, e := range f.slots {
		if e == nil || e == culprit || has(w.done, e.slot) {
			continue
		}
		words = append(words, fmt.Sprintf("%s (event %d)", brief(e.o), e.o.did.Invoke.Index))
		if len(f.shown) < maxShown {
			f.shown = append(f.shown, e.o)
		}
	}
	if len(words) == 0 {
		return []string{"Nothing else was open at that moment that could explain it."}
	}
	slices.Sort(words)
	return []string{"Open at that moment, and no help: " + few(words, 6, "and") + "."}
}

// few joins words, at most n of them.
func few(words []string, n int, last string) string {
	if len(words) > n {
		return fmt.Sprintf("%s and %d more", strings.Join(words[:n], ", "), len(words)-n)
	}
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	end := len(words) - 1
	return strings.Join(words[:end], ", ") + " " + last + " " + words[end]
}
