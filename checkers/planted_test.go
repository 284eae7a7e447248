package checkers

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/shakedown-dev/shakedown/history"
)

var million = flag.Bool("million", false, "plant faults in histories of 1 000 000 operations as well")

// TestPlantedAtScale plants one fault into a large history of registers that is
// right. It must be found, with the planted operation in the evidence, which must
// be small.
func TestPlantedAtScale(t *testing.T) {
	sizes := []int{1_000, 100_000}
	if testing.Short() {
		sizes = sizes[:1]
	}
	if *million {
		sizes = append(sizes, 1_000_000)
	}
	for _, n := range sizes {
		good := randomHistory(rand.New(rand.NewPCG(uint64(n), 21)), shape{processes: 20, operations: n, keys: 4, cas: 25, info: 3})
		if r := judgeHistory(good); r.Verdict != Valid {
			t.Fatalf("without a fault it is %v: %v", r.Verdict, r.Says)
		}
		for name, plant := range map[string]func(s *sown, o history.Operation) bool{
			"stale read": plantStale, "lost update": plantTwice, "dirty read": plantDirty, "phantom": plantPhantom, "lost write": plantLost,
		} {
			t.Run(fmt.Sprintf("%s/%d", name, n), func(t *testing.T) {
				bad := clone(good)
				planted := sow(t, bad, plant)
				r := judgeHistory(bad)
				if r.Verdict != Violation || !slices.Contains(r.Evidence, planted) || len(r.Evidence) > 16 {
					t.Fatalf("planted at #%d: %v %v %v", planted, r.Verdict, r.Evidence[:min(20, len(r.Evidence))], r.Says)
				}
			})
		}
	}
}

// A sown is a history in which a fault looks for its place.
type sown struct {
	ops []history.Op
	all []history.Operation
	at  int
	// planted is the event that must be in the evidence.
	planted int
}

// sow tries the operations after half of the history, and returns the event.
func sow(t *testing.T, h *history.History, plant func(*sown, history.Operation) bool) int {
	t.Helper()
	s := &sown{ops: h.Ops, all: h.Operations()}
	for s.at = len(s.all) / 2; s.at < len(s.all); s.at++ {
		if o := s.all[s.at]; o.Complete != nil && plant(s, o) {
			return s.planted
		}
	}
	t.Fatal("found no place for the fault")
	return 0
}

// says lets the operation end ok with the value.
func (s *sown) says(o history.Operation, value json.RawMessage) bool {
	s.planted = o.Complete.Index
	s.ops[s.planted].Type, s.ops[s.planted].Value, s.ops[s.planted].Error = history.OK, value, ""
	return true
}

// before returns the last operation of the key that ended ok before o began.
func (s *sown) before(o history.Operation, right func(history.Operation) bool) (history.Operation, bool) {
	for i := s.at - 1; i >= max(0, s.at-5000); i-- {
		e := s.all[i]
		if e.Invoke.Key == o.Invoke.Key && e.Type() == history.OK && e.Complete.Index < o.Invoke.Index && right(e) {
			return e, true
		}
	}
	return history.Operation{}, false
}

func okay(f string) func(history.Operation) bool {
	return func(o history.Operation) bool { return o.Invoke.F == f && o.Type() == history.OK }
}

func plantStale(s *sown, o history.Operation) bool {
	newer, found := s.before(o, okay("write"))
	if !okay("read")(o) || !found {
		return false
	}
	older, found := s.before(o, func(e history.Operation) bool { return okay("write")(e) && e.Complete.Index < newer.Invoke.Index })
	return found && s.says(o, older.Invoke.Value)
}

func plantTwice(s *sown, o history.Operation) bool {
	first, found := s.before(o, okay("cas"))
	if !okay("cas")(o) || !found {
		return false
	}
	var mine, theirs [2]json.RawMessage
	if json.Unmarshal(o.Invoke.Value, &mine) != nil || json.Unmarshal(first.Invoke.Value, &theirs) != nil || string(theirs[0]) == null {
		return false
	}
	s.ops[o.Invoke.Index].Value = fmt.Appendf(nil, "[%s,%s]", theirs[0], mine[1])
	return s.says(o, s.ops[o.Invoke.Index].Value)
}

func plantDirty(s *sown, o history.Operation) bool {
	if !okay("read")(o) {
		return false
	}
	for i := s.at - 1; i > s.at-100 && i >= 0; i-- {
		var pair [2]json.RawMessage
		if e := s.all[i]; e.Invoke.F == "cas" && e.Type() == history.Fail && e.Invoke.Key == o.Invoke.Key && json.Unmarshal(e.Invoke.Value, &pair) == nil {
			return s.says(o, pair[1])
		}
	}
	return false
}

func plantPhantom(s *sown, o history.Operation) bool {
	return okay("read")(o) && s.says(o, json.RawMessage("123456789"))
}

// plantLost lets a read after an acknowledged write, with nothing else on the key
// since before it began, see what was there before.
func plantLost(s *sown, o history.Operation) bool {
	write, found := s.before(o, okay("write"))
	if !okay("read")(o) || !found {
		return false
	}
	before, found := s.before(o, func(e history.Operation) bool { return okay("read")(e) && e.Complete.Index < write.Invoke.Index })
	if !found || len(before.Complete.Value) == 0 || string(before.Complete.Value) == string(write.Invoke.Value) {
		return false
	}
	return s.says(o, before.Complete.Value)
}
