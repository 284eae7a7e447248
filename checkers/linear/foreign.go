package linear

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/anishathalye/porcupine"
)

// JudgeModel judges a history by a model of the user's own, as
// porcupine.CheckOperations would: every operation must take effect between its
// call and its return, where a return of math.MaxInt64 is the end of time.
// Partitions are judged on their own, smallest first, as many at once as there
// are processors.
//
// The search tries first, whose memory does not grow with the history. It keeps
// all states that may be; where these are too many, or more than 64 operations
// are open at once, porcupine takes over, which follows one order at a time and
// so may find one sooner. The result names who decided. If porcupine would need
// more than 1 GiB, or ctx is done, it is Unknown.
//
// Steps are asked for in any order and more than once, so they must depend on
// nothing but their arguments. The witness of a violation is the first operation
// that no order explains, with those that were open when it returned.
func JudgeModel(ctx context.Context, model porcupine.Model, history []porcupine.Operation) Result {
	return judgeForeign(ctx, foreignModel{
		plain: model, partition: model.Partition, equal: model.Equal, hash: model.Hash,
		start: func() []any { return []any{model.Init()} },
		step: func(state, input, output any) []any {
			step := func() (bool, any) { return model.Step(state, input, output) }
			if model.StepContext != nil {
				step = func() (bool, any) { return model.StepContext(ctx, state, input, output) }
			}
			if ok, next := step(); ok {
				return []any{next}
			}
			return nil
		},
	}, history)
}

// JudgeNondeterministic is [JudgeModel] for a model whose operations may lead
// to one of several states.
func JudgeNondeterministic(ctx context.Context, model porcupine.NondeterministicModel, history []porcupine.Operation) Result {
	return judgeForeign(ctx, foreignModel{
		plain: model.ToModel(), partition: model.Partition, equal: model.Equal, hash: model.Hash,
		start: func() []any { return model.Init() },
		step: func(state, input, output any) []any {
			if model.StepContext != nil {
				return model.StepContext(ctx, state, input, output)
			}
			return model.Step(state, input, output)
		},
	}, history)
}

// A foreignModel is what both kinds of models have in common.
type foreignModel struct {
	// plain is what porcupine gets.
	plain     porcupine.Model
	partition func([]porcupine.Operation) [][]porcupine.Operation
	start     func() []any
	step      func(state, input, output any) []any
	equal     func(a, b any) bool
	hash      func(state any) uint64
}

// A place remembers where an operation of a partition was in the whole.
type place struct {
	at       int
	metadata any
}

func judgeForeign(ctx context.Context, model foreignModel, history []porcupine.Operation) Result {
	parts := split(model, history)
	results := make([]Result, len(parts))
	var next atomic.Int64
	var workers sync.WaitGroup
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for range min(runtime.GOMAXPROCS(0), len(parts)) {
		workers.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(parts) {
					return
				}
				if results[i] = parts[i].judge(ctx, model); results[i].Verdict == Violated {
					stop() // one is enough
				}
			}
		})
	}
	workers.Wait()
	worst := legal("model-search")
	for _, r := range results {
		if r.Verdict == Violated {
			return r
		}
		if r.Verdict == Unknown && worst.Verdict != Unknown || r.Verdict == worst.Verdict && r.Engine == "porcupine" {
			worst = r
		}
	}
	return worst
}

// A part is one partition of a history, and where its operations were.
type part struct {
	history []porcupine.Operation
	at      []int
}

// split partitions a history. Partition functions give back operations, not
// positions, so the positions travel in the metadata.
func split(model foreignModel, history []porcupine.Operation) []part {
	marked := slices.Clone(history)
	for i := range marked {
		marked[i].Metadata = place{i, history[i].Metadata}
	}
	groups := [][]porcupine.Operation{marked}
	if model.partition != nil {
		groups = model.partition(marked)
	}
	parts := make([]part, len(groups))
	for n, group := range groups {
		p := part{history: slices.Clone(group), at: make([]int, len(group))}
		for i := range p.history {
			if m, ok := p.history[i].Metadata.(place); ok {
				p.history[i].Metadata, p.at[i] = m.metadata, m.at
			}
		}
		parts[n] = p
	}
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(len(a.at), len(b.at)) })
	return parts
}

// brokenModel is the result of a model that panicked.
func brokenModel(cause any) Result {
	return Result{Engine: "none", Reason: fmt.Sprintf("the model itself broke: %v", cause)}
}

func (p part) judge(ctx context.Context, model foreignModel) (r Result) {
	defer func() {
		if cause := recover(); cause != nil {
			r = brokenModel(cause)
		}
	}()
	ops := make([]Op, len(p.history))
	for i := range p.history {
		o := &p.history[i]
		ops[i] = Op{Call: int(o.Call), Return: int(o.Return)}
		if o.Return < o.Call {
			return Result{Engine: "model-search", Reason: "an operation returned before it was called"}
		}
	}
	s := newSearcher(ctx, "model-search", ops, newForeign(model, p.history))
	s.most, s.enough = mostForeign, 20*(mostForeign+len(ops))
	r = s.walk()
	if r.Verdict == Unknown && ctx.Err() == nil {
		return p.handOver(ctx, model, r.Reason)
	}
	return translate(r, p.at)
}

const (
	// mostForeign is how many configurations of a user's model are held before
	// porcupine takes over; it does so as well when twenty times as many, and
	// twenty for each operation, have been looked at.
	mostForeign = 1 << 12
	// porcupineMemory bounds what porcupine may hold, in bytes. It keeps, for
	// every state that it has seen, a bit for each operation, and about 100
	// bytes.
	porcupineMemory = 1 << 30
)

// handOver lets porcupine judge. It cannot be interrupted; but when no step is
// possible any more, it soon comes to an end, which then means nothing.
func (p part) handOver(ctx context.Context, model foreignModel, why string) Result {
	m := model.plain
	step := m.Step
	if inContext := m.StepContext; inContext != nil {
		step = func(state, input, output any) (bool, any) { return inContext(ctx, state, input, output) }
	}
	left, cost := int64(porcupineMemory), int64(len(p.history)/8+96)
	var stopped atomic.Bool
	defer context.AfterFunc(ctx, func() { stopped.Store(true) })()
	m.Partition, m.PartitionEvent, m.StepContext = nil, nil, nil
	var broke any
	m.Step = func(state, input, output any) (ok bool, next any) {
		if stopped.Load() || left < 0 {
			return false, state
		}
		defer func() {
			// Nobody could catch it outside of porcupine's goroutine.
			if cause := recover(); cause != nil {
				broke, ok, next = cause, false, state
				stopped.Store(true)
			}
		}()
		if ok, next = step(state, input, output); ok {
			left -= cost
		}
		return ok, next
	}
	linearizable := porcupine.CheckOperations(m, p.history)
	switch {
	case broke != nil:
		return brokenModel(broke)
	case linearizable:
		return legal("porcupine")
	case stopped.Load() || ctx.Err() != nil:
		return Result{Engine: "porcupine", Reason: outOfTime}
	case left < 0:
		return Result{Engine: "porcupine", Reason: why + ", and porcupine would need more memory than it may have"}
	}
	all := make([]int32, len(p.at))
	for i, at := range p.at {
		all[i] = int32(at)
	}
	return *violation("porcupine", "no order explains these operations", all...)
}

// foreign is the machine of a user's model. It numbers states as they come up.
type foreign struct {
	model   foreignModel
	history []porcupine.Operation
	states  []any
	// exact finds states by themselves, if the model neither compares nor
	// hashes; else byHash those that may be equal.
	exact  map[any]int32
	byHash map[uint64][]int32
	first  []int32
	// known are steps taken before, by operation and state.
	known map[[2]int32][]int32
	// classes are equal for operations that do the same; nil if that is not known.
	classes []int32
}

func newForeign(model foreignModel, history []porcupine.Operation) *foreign {
	m := &foreign{model: model, history: history}
	m.forget()
	for _, s := range model.start() {
		m.first = append(m.first, m.number(s))
	}
	return m
}

func (m *foreign) forget() {
	m.states, m.exact, m.byHash, m.known = nil, map[any]int32{}, map[uint64][]int32{}, map[[2]int32][]int32{}
}

// number returns the number of a state, which it keeps.
func (m *foreign) number(state any) int32 {
	id := int32(len(m.states))
	if m.model.equal == nil && m.model.hash == nil {
		if old, ok := m.exact[state]; ok {
			return old
		}
		m.exact[state] = id
		m.states = append(m.states, state)
		return id
	}
	equal, hash := m.model.equal, uint64(0)
	if equal == nil {
		equal = func(a, b any) bool { return a == b }
	}
	if m.model.hash != nil {
		hash = m.model.hash(state)
	}
	for _, old := range m.byHash[hash] {
		if equal(m.states[old], state) {
			return old
		}
	}
	m.byHash[hash] = append(m.byHash[hash], id)
	m.states = append(m.states, state)
	return id
}

func (m *foreign) start() []int32 { return m.first }

func (m *foreign) step(op int, state int32, next []int32) []int32 {
	key := [2]int32{int32(op), state}
	states, ok := m.known[key]
	if !ok {
		o := &m.history[op]
		for _, s := range m.model.step(m.states[state], o.Input, o.Output) {
			states = append(states, m.number(s))
		}
		m.known[key] = states
	}
	return append(next, states...)
}

func (m *foreign) traits(int) traits { return 0 }

func (m *foreign) class(op int) int32 {
	if m.classes == nil {
		return none
	}
	return m.classes[op]
}

func (m *foreign) retire(state int32, _ int) int32 { return state }
func (m *foreign) dies(int) int                    { return Open }

// size counts steps as well, because each of them is kept.
func (m *foreign) size() int { return len(m.states) + len(m.known)/8 }

// keep forgets all other states, and all steps.
func (m *foreign) keep(states []int32) {
	old := m.states
	m.forget()
	for i, s := range states {
		states[i] = m.number(old[s])
	}
}
