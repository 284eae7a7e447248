package object

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

var million = flag.Bool("million", false, "plant faults in histories of 100 000 and of 1 000 000 operations as well")

// A fault changes an operation so that its history is wrong for sure, and
// returns the events that must be in the evidence; nil if this operation cannot
// be spoiled.
type fault func(s *scene, o history.Operation) []int

// A scene is the history in which a fault looks for its place.
type scene struct {
	ops []history.Op
	all []history.Operation
	// at is the place of o among all, and before are those of the same key that
	// had ended before o began, the latest first; as many as are asked for.
	at int
}

// TestPlanted: of each model a large history of a correct server is valid, and
// with one fault planted it is not. What was planted must be in the evidence,
// and the evidence be short.
func TestPlanted(t *testing.T) {
	sizes := []int{1_000, 20_000}
	if testing.Short() {
		sizes = sizes[:1]
	}
	if *million {
		sizes = append(sizes, 100_000, 1_000_000)
	}
	for _, p := range plants() {
		for _, n := range sizes {
			t.Run(fmt.Sprintf("%s/%d", p.model, n), func(t *testing.T) {
				t.Parallel()
				p.test(t, n)
			})
		}
	}
}

// A plant is a model with a world that keeps to it, and what can go wrong.
type plant struct {
	model   string
	options Options
	world   func(operations int) world
	clients int
	// most is how many events a short counterexample has.
	most   int
	faults map[string]fault
}

func (p plant) test(t *testing.T, n int) {
	c, err := New(p.model, p.options)
	if err != nil {
		t.Fatal(err)
	}
	good := play(p.world(n), n, p.clients, uint64(n))
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	if r := c.Check(context.Background(), good); r.Verdict != checkers.Valid {
		t.Fatalf("a correct server: %v %v", r.Verdict, r.Says)
	}
	for name, f := range p.faults {
		t.Run(name, func(t *testing.T) {
			bad := history.New(slices.Clone(good.Ops))
			planted := sow(bad, f)
			if planted == nil {
				t.Fatal("found no place for the fault")
			}
			r := c.Check(context.Background(), bad)
			if r.Verdict != checkers.Violation || len(r.Findings) == 0 {
				t.Fatalf("planted in %v: %v %v", planted, r.Verdict, r.Says)
			}
			if !slices.ContainsFunc(planted, func(at int) bool { return slices.Contains(r.Evidence, at) }) {
				t.Errorf("planted in %v, in evidence are %v: %v", planted, r.Evidence[:min(30, len(r.Evidence))], r.Says)
			}
			if len(r.Evidence) > p.most {
				t.Errorf("%d events are no short counterexample: %v", len(r.Evidence), r.Says)
			}
		})
	}
}

// sow spoils the first operation after half of the history that can be.
func sow(h *history.History, f fault) []int {
	s := &scene{ops: h.Ops, all: h.Operations()}
	for s.at = len(s.all) / 2; s.at < len(s.all); s.at++ {
		if o := s.all[s.at]; o.Type() != history.Info {
			if planted := f(s, o); planted != nil {
				return planted
			}
		}
	}
	return nil
}

// answers lets the operation end ok with the answer, and returns its events.
func (s *scene) answers(o history.Operation, answer string) []int {
	c := &s.ops[o.Complete.Index]
	c.Type, c.Value = history.OK, json.RawMessage(answer)
	return []int{o.Invoke.Index, o.Complete.Index}
}

// alone reports whether nothing else was open on the key while o was.
func (s *scene) alone(o history.Operation) bool {
	for _, other := range s.near(4000) {
		if other.Invoke.Index != o.Invoke.Index && other.Invoke.Index < o.Complete.Index && end(other) > o.Invoke.Index {
			return false
		}
	}
	return true
}

// end is when o was over; what is unknown has happened at once in a world where
// this is asked.
func end(o history.Operation) int { return o.Complete.Index }

// near are the operations of the same key around the place.
func (s *scene) near(most int) []history.Operation {
	key := s.all[s.at].Invoke.Key
	var some []history.Operation
	for _, o := range s.all[max(0, s.at-most):min(len(s.all), s.at+most)] {
		if o.Invoke.Key == key {
			some = append(some, o)
		}
	}
	return some
}

// earlier returns the last operation of the key that ended before o began and
// that is right.
func (s *scene) earlier(o history.Operation, right func(history.Operation) bool) (history.Operation, bool) {
	for i := s.at - 1; i >= max(0, s.at-20_000); i-- {
		e := s.all[i]
		if e.Invoke.Key == o.Invoke.Key && e.Type() == history.OK && e.Complete.Index < o.Invoke.Index && right(e) {
			return e, true
		}
	}
	return history.Operation{}, false
}

func isOK(o history.Operation, fs ...string) bool {
	return o.Type() == history.OK && slices.Contains(fs, o.Invoke.F)
}

// secondHolder lets an acquire succeed that was refused while somebody else held
// it for sure: split brain.
func secondHolder(ttl time.Duration) fault {
	return func(s *scene, o history.Operation) []int {
		if o.Invoke.F != "acquire" || o.Type() != history.Fail {
			return nil
		}
		var holder history.Operation
		for _, e := range s.near(2000) {
			switch {
			case isOK(e, "acquire") && e.Complete.Index < o.Invoke.Index:
				holder = e
			case e.Invoke.F == "acquire" && e.Type() == history.OK && e.Invoke.Index < o.Complete.Index,
				e.Invoke.F == "release" && e.Invoke.Index < o.Complete.Index && end(e) > o.Invoke.Index:
				return nil // it is passed on meanwhile
			case e.Invoke.F == "release" && end(e) < o.Invoke.Index:
				holder = history.Operation{}
			}
		}
		if holder.Invoke == nil || ttl > 0 && o.Complete.Time >= holder.Start()+ttl {
			return nil
		}
		return append(s.answers(o, "null"), holder.Invoke.Index, holder.Complete.Index)
	}
}

// notHeld lets somebody release what it had released before.
func notHeld(s *scene, o history.Operation) []int {
	before, found := s.earlier(o, func(e history.Operation) bool { return isOK(e, "release") && e.Invoke.Process == o.Invoke.Process })
	if !isOK(o, "acquire") || !found {
		return nil
	}
	for _, e := range s.near(2000) {
		if e.Invoke.Process == o.Invoke.Process && e.Invoke.F == "acquire" && e.Invoke.Index > before.Invoke.Index && e.Invoke.Index < o.Invoke.Index {
			return nil // it tried in between
		}
	}
	s.ops[o.Invoke.Index].F = "release"
	s.ops[o.Complete.Index].F = "release"
	return []int{o.Invoke.Index, o.Complete.Index}
}

// staleToken lets a holder of the past write.
func staleToken(s *scene, o history.Operation) []int {
	if o.Invoke.F != "write" || o.Type() != history.Fail {
		return nil
	}
	later, found := s.earlier(o, func(e history.Operation) bool {
		return isOK(e, "write") && number(e.Invoke.Value) > number(o.Invoke.Value)
	})
	if !found || later.Invoke == nil {
		return nil
	}
	return s.answers(o, string(o.Invoke.Value))
}

func number(value json.RawMessage) int {
	n, err := strconv.Atoi(string(value))
	if err != nil {
		return -1
	}
	return n
}

// again gives the answer of an earlier operation of the kind.
func again(fs ...string) fault {
	return func(s *scene, o history.Operation) []int {
		if !isOK(o, fs...) {
			return nil
		}
		before, found := s.earlier(o, func(e history.Operation) bool { return isOK(e, fs...) })
		if !found {
			return nil
		}
		return append(s.answers(o, string(before.Complete.Value)), before.Invoke.Index, before.Complete.Index)
	}
}

// instead lets operations of the kind that were alone end with another answer.
func instead(f, was, is string) fault {
	return func(s *scene, o history.Operation) []int {
		if !isOK(o, f) || was != "" && string(o.Complete.Value) != was || !s.alone(o) {
			return nil
		}
		return s.answers(o, is)
	}
}

// swapped lets two operations that are far apart have each other's answers.
func swapped(fs ...string) fault {
	return func(s *scene, o history.Operation) []int {
		if !isOK(o, fs...) {
			return nil
		}
		before, found := s.earlier(o, func(e history.Operation) bool { return isOK(e, fs...) && e.Complete.Index < o.Invoke.Index-100 })
		if !found {
			return nil
		}
		mine, theirs := string(o.Complete.Value), string(before.Complete.Value)
		if _, put := s.earlier(before, func(e history.Operation) bool { return string(e.Invoke.Value) == mine }); !put {
			return nil // it would be taken before it is put
		}
		s.answers(before, mine)
		return append(s.answers(o, theirs), s.answers(before, mine)...)
	}
}

// emptied lets a take find nothing, though what it took had been put before.
func emptied(put, take string) fault {
	return func(s *scene, o history.Operation) []int {
		if !isOK(o, take) {
			return nil
		}
		value := string(o.Complete.Value)
		if _, found := s.earlier(o, func(e history.Operation) bool { return isOK(e, put) && string(e.Complete.Value) == value }); !found {
			return nil
		}
		return s.answers(o, "null")
	}
}

// forgotten lets an element that was seen before, and after, not be found.
func forgotten(s *scene, o history.Operation) []int {
	yes := func(e history.Operation) bool {
		return isOK(e, "contains") && string(e.Complete.Value) == fmt.Sprintf("[%s,true]", o.Invoke.Value)
	}
	if _, before := s.earlier(o, yes); !before || !yes(o) {
		return nil
	}
	for _, e := range s.near(300) {
		if e.Invoke.Index > o.Complete.Index && yes(e) {
			return s.answers(o, fmt.Sprintf("[%s,false]", o.Invoke.Value))
		}
	}
	return nil
}

// nowhere lets an element be found that nobody put in.
func nowhere(s *scene, o history.Operation) []int {
	if !isOK(o, "contains") {
		return nil
	}
	s.ops[o.Invoke.Index].Value = json.RawMessage("123456789")
	return s.answers(o, "[123456789,true]")
}

// missing takes an old element out of a whole read; added, doubled and turned do
// what they say.
func whole(change func(elements []string) []string) fault {
	return func(s *scene, o history.Operation) []int {
		elements := strings.Split(strings.Trim(string(o.Value()), "[]"), ",")
		if !isOK(o, "read") || len(elements) < 20 {
			return nil
		}
		return s.answers(o, "["+strings.Join(change(elements), ",")+"]")
	}
}

func missing(e []string) []string { return slices.Delete(e, 3, 4) }
func added(e []string) []string   { return append(e, "123456789") }
func doubled(e []string) []string { return append(e, e[3]) }
func turned(e []string) []string  { e[3], e[9] = e[9], e[3]; return e }

// lostUpdate lets two additions come to the same.
func lostUpdate(s *scene, o history.Operation) []int { return again("fetch-add")(s, o) }

// wentBack lets a counter be read that is smaller than it had been.
func wentBack(s *scene, o history.Operation) []int {
	before, found := s.earlier(o, func(e history.Operation) bool { return isOK(e, "read") && number(e.Complete.Value) > 3 })
	if !found || !isOK(o, "read") {
		return nil
	}
	return s.answers(o, strconv.Itoa(number(before.Complete.Value)-3))
}

// staleGet lets a get see what was replaced for sure before it began.
func staleGet(s *scene, o history.Operation) []int {
	newer, found := s.earlier(o, func(e history.Operation) bool { return isOK(e, "put") })
	if !isOK(o, "get") || !found {
		return nil
	}
	older, found := s.earlier(newer, func(e history.Operation) bool { return isOK(e, "put") && e.Complete.Index < newer.Invoke.Index })
	if !found {
		return nil
	}
	return s.answers(o, string(older.Complete.Value))
}

// dirtyGet lets a get see what a compare-and-set did not put there.
func dirtyGet(s *scene, o history.Operation) []int {
	if !isOK(o, "get") {
		return nil
	}
	for _, e := range s.near(1000) {
		if e.Invoke.F == "cas" && e.Type() == history.Fail && e.Invoke.Index < o.Invoke.Index {
			_, new, _ := strings.Cut(strings.Trim(string(e.Invoke.Value), "[]"), ",")
			return s.answers(o, new)
		}
	}
	return nil
}

// bothSwapped lets a compare-and-set succeed on what another had replaced.
func bothSwapped(s *scene, o history.Operation) []int {
	if !isOK(o, "cas") {
		return nil
	}
	before, found := s.earlier(o, func(e history.Operation) bool { return isOK(e, "cas") })
	if !found {
		return nil
	}
	old, _, _ := strings.Cut(string(before.Invoke.Value), ",")
	_, new, _ := strings.Cut(string(o.Invoke.Value), ",")
	if old == "[null" {
		return nil
	}
	s.ops[o.Invoke.Index].Value = json.RawMessage(old + "," + new)
	return s.answers(o, old+","+new)
}

// fractured lets a transaction that reads two registers see one as it was before
// somebody wrote it, which was over for sure.
func fractured(s *scene, o history.Operation) []int {
	now := microsOf(o)
	if len(now) != 2 || string(now[0][0])+string(now[1][0]) != `"r""r"` {
		return nil
	}
	writes := func(e history.Operation) bool {
		m := microsOf(e)
		return len(m) == 2 && string(m[1][0]) == `"w"` && string(m[1][1]) == string(now[0][1])
	}
	newer, found := s.earlier(o, writes)
	if !found {
		return nil
	}
	older, found := s.earlier(o, func(e history.Operation) bool { return writes(e) && e.Complete.Index < newer.Invoke.Index })
	if !found {
		return nil
	}
	return s.answers(o, fmt.Sprintf(`[["r",%s,%s],["r",%s,%s]]`, now[0][1], microsOf(older)[1][2], now[1][1], now[1][2]))
}

// microsOf are the micro-operations of a transaction that was ok.
func microsOf(o history.Operation) (mops [][3]json.RawMessage) {
	if !isOK(o, "txn") || json.Unmarshal(o.Value(), &mops) != nil {
		return nil
	}
	return mops
}

// buried lets a stack give out what lay below another value, which comes later.
func buried(s *scene, o history.Operation) []int {
	pushed := func(o history.Operation) (history.Operation, bool) {
		return s.earlier(o, func(e history.Operation) bool {
			return isOK(e, "push") && string(e.Invoke.Value) == string(o.Complete.Value)
		})
	}
	mine, found := pushed(o)
	if !isOK(o, "pop") || !found {
		return nil
	}
	for _, e := range s.near(1000) {
		if !isOK(e, "pop") || e.Invoke.Index < o.Complete.Index {
			continue
		}
		if below, found := pushed(e); found && below.Complete.Index < mine.Invoke.Index {
			theirs := string(e.Complete.Value)
			return append(s.answers(e, string(o.Complete.Value)), s.answers(o, theirs)...)
		}
	}
	return nil
}

// oneTooMany lets an acquire succeed while all permits were given out.
func oneTooMany(s *scene, o history.Operation) []int {
	if !isOK(o, "acquire") || string(o.Complete.Value) != "false" {
		return nil
	}
	for _, e := range s.near(1000) {
		if (e.Invoke.F == "release" || string(e.Value()) == "true") && e.Invoke.Index < o.Complete.Index && end(e) > o.Invoke.Index {
			return nil
		}
	}
	return s.answers(o, "true")
}

func plants() []plant {
	any := func(w func() world) func(int) world { return func(int) world { return w() } }
	ttl := 200 * time.Microsecond
	took := func(put, take string) map[string]fault {
		return map[string]fault{
			"reordered": swapped(take), "phantom": instead(take, "", "123456789"), "duplicate": again(take), "lost": emptied(put, take),
		}
	}
	bag, stack := took("enqueue", "dequeue"), took("push", "pop")
	delete(bag, "reordered")
	stack["reordered"] = buried
	return []plant{
		{"mutex", Options{}, any(func() world { return lockWorld(0) }), 12, 8, map[string]fault{"split brain": secondHolder(0)}},
		{"lock", Options{}, any(func() world { return lockWorld(0) }), 12, 8, map[string]fault{"split brain": secondHolder(0), "not held": notHeld}},
		{"lease", Options{TTL: ttl}, any(func() world { return lockWorld(ttl) }), 12, 4, map[string]fault{"split brain": secondHolder(ttl)}},
		{"fencing", Options{}, any(fencingWorld), 6, 6, map[string]fault{"stale write": staleToken, "duplicate": again("acquire")}},
		{"semaphore", Options{Permits: 3}, any(func() world { return semaphoreWorld(3) }), 20, 20, map[string]fault{"one too many": oneTooMany}},
		{"queue", Options{}, any(queueWorld), 8, 10, took("enqueue", "dequeue")},
		{"stack", Options{}, any(stackWorld), 4, 24, stack},
		{"priority-queue", Options{}, any(priorityWorld), 8, 24, took("insert", "poll")},
		{"bag", Options{}, any(bagWorld), 8, 8, bag},
		{"deque", Options{}, any(dequeWorld), 4, 24, map[string]fault{
			"reordered": swapped("pop_front"), "phantom": instead("pop_front", "", "123456789"), "duplicate": again("pop_back"),
		}},
		{"set", Options{}, any(memberWorld), 8, 12, map[string]fault{"stale read": forgotten, "phantom": nowhere}},
		{"set", Options{}, func(n int) world { return wholeWorld("add", n) }, 8, 8, map[string]fault{"lost": whole(missing), "phantom": whole(added)}},
		{"log", Options{}, func(n int) world { return wholeWorld("append", n) }, 8, 8, map[string]fault{
			"lost": whole(missing), "phantom": whole(added), "duplicate": whole(doubled), "reordered": whole(turned),
		}},
		{"counter", Options{}, any(counterWorld), 8, 8, map[string]fault{"lost update": lostUpdate, "stale read": wentBack, "phantom": instead("read", "", "123456789")}},
		{"kv", Options{}, any(func() world { return kvWorld(false) }), 8, 8, map[string]fault{
			"stale read": staleGet, "dirty read": dirtyGet, "lost update": bothSwapped, "phantom": instead("get", "", "123456789"),
		}},
		{"kv", Options{}, any(func() world { return kvWorld(true) }), 8, 12, map[string]fault{"stale read": staleGet, "dirty read": dirtyGet}},
		{"multi-register", Options{}, any(registersWorld), 6, 24, map[string]fault{"fractured read": fractured}},
	}
}
