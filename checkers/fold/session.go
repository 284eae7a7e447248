package fold

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// A Guarantee is one of the four session guarantees of Terry et al., Session
// Guarantees for Weakly Consistent Replicated Data, 1994.
type Guarantee string

// The session guarantees.
const (
	ReadYourWrites    Guarantee = "read-your-writes"
	MonotonicReads    Guarantee = "monotonic-reads"
	MonotonicWrites   Guarantee = "monotonic-writes"
	WritesFollowReads Guarantee = "writes-follow-reads"
)

// Guarantees returns all four, in the order in which they are numbered.
func Guarantees() []Guarantee {
	return []Guarantee{ReadYourWrites, MonotonicReads, MonotonicWrites, WritesFollowReads}
}

// Session decides whether registers keep the guarantees asked for, or with
// none named all four, to each process. A process is a session: after an
// operation with an unknown outcome a client goes on as another process.
//
// It reads: write of a key, the value being unique within the key; read of a
// key, ok with the value, or null for a key that was never written. A read's
// value may also be {"value": v, "version": n}, as may the value of a write
// that ended ok: n is then the place of v in the order of the key's versions.
//
// Property: for every key there is an order of its versions, beginning with
// null and agreeing with the version numbers there are, such that
//
//   - read your writes: a read is not older than what its session wrote before;
//   - monotonic reads: nor than what its session read before;
//   - monotonic writes: a session's writes are in order, and a session that
//     has read one of them does not then read, of another key, anything older
//     than what the writer had written there before;
//   - writes follow reads: a write is newer than what its session had read of
//     the key, and a session that has read it does not then read, of another
//     key, anything older than what the writer had read there before.
//
// Each of these says of two versions of a key that one is not older than the
// other. There is such an order exactly if no two different versions are each
// not older than the other, that is, lie in one strongly connected component.
// Kinds are "session" for such a cycle, with the guarantees it rests on, and
// "unexpected" and "aborted" for reads of what nobody, or nobody with success,
// had begun to write.
//
// Cost: O(n × sessions), usually O(n). Unknown: a value was written twice to a
// key; no read that ended ok is bound by a guarantee. Counterexample: "key x:
// the versions 1 and 2 must each be older than the other: process 3 read 2
// (#9) and then 1 (#20), so 1 is not older than 2 (monotonic-reads); …".
func Session(guarantees ...Guarantee) checkers.Checker {
	asked := [sessionGuarantees]bool{}
	for i, g := range Guarantees() {
		asked[i] = len(guarantees) == 0 || slices.Contains(guarantees, g)
	}
	return checker{
		name: "session", whole: true,
		judge:   func(r *report, ops []history.Operation) { judgeSession(r, ops, asked) },
		lacking: "No read that ended ok comes after anything that a guarantee binds it to, so nothing is known.",
		sum: func(r *report) string {
			return fmt.Sprintf("For every key (%d) there is an order of versions that keeps what was promised to the sessions (%d), by %s.",
				r.counts["keys"], r.counts["sessions"], say.Number(r.counts["reads"], "read"))
		},
	}
}

// The numbers of the guarantees, which are labels of edges, and the others.
const (
	labelRYW int32 = iota
	labelMR
	labelMW
	labelWFR
	labelPast         // from a version to a past that holds it, or between two pasts
	labelOrder        // the database says so, or null is the oldest
	sessionGuarantees = 4
)

func judgeSession(r *report, ops []history.Operation, asked [sessionGuarantees]bool) {
	s := &sessions{r: r, asked: asked, byName: make(map[string]int32), seats: make(map[int]*seat)}
	if !s.declare(ops) {
		return
	}
	for _, pass := range []func(history.Operation){s.live, s.listen} {
		for i, o := range ops {
			if r.spend(1 + len(s.seats)/16) {
				r.cutShort(i, len(ops))
				return
			}
			if o.Type() == history.OK && o.Invoke.F == fRead || o.Invoke.F == fWrite && o.Type() != history.Fail {
				pass(o)
			}
		}
	}
	r.count("keys", len(s.keys))
	r.count("sessions", len(s.seats))
	s.order()
	s.cycles()
}

// versioned splits a value from the database's number of it.
func versioned(value json.RawMessage) (plain json.RawMessage, number int64, has bool) {
	c := scan(value)
	if !c.open('{') {
		return value, 0, false
	}
	plain = value
	for c.more('}') {
		switch c.name() {
		case "value":
			plain = c.value()
		case "version", "revision":
			number, has = whole(c.value())
		default:
			c.value()
		}
	}
	return plain, number, has
}
