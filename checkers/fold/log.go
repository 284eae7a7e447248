package fold

import (
	"fmt"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// LogOptions say what a log promises beyond the least.
type LogOptions struct {
	// Rebalanced allows a consumer to skip messages or to get them again from
	// one operation to the next, as consumer groups do that are rebalanced. It
	// is set by itself if the history has a subscribe that ended ok.
	Rebalanced bool
	// WriteOrder says that a transaction's messages are written at one moment,
	// so that two transactions come in the same order in every log. Kafka does
	// not promise that: messages of two transactions may lie among each other.
	WriteOrder bool
	// MaxLag is how far a poll may lag behind what was known to be in the log
	// when it began; 0 means any.
	MaxLag time.Duration
}

// Log decides whether partitioned logs such as Kafka's keep every message, in
// one order, for every consumer. It looks for all that Jepsen's kafka workload does.
//
// It reads send, poll and txn, whose values are arrays of micro-operations:
// ["send", key, message], which ended ok is ["send", key, [offset, message]];
// ["poll"], which ended ok is ["poll", {key: [[offset, message], …]}]; and
// ["rebalance", [key, …]], keys that were taken from the consumer meanwhile.
// Offsets may be null where they are unknown. For a single one there is a
// plain form: send with the operation's key and the message as its value, ok
// with [offset, message]; poll, ok with {key: [[offset, message], …]}, or with
// the operation's key and the array alone. assign and subscribe have the array
// of keys that the consumer reads from then on. Messages of one key are unique.
//
// The offsets that sends got and that polls saw make up the log of each key;
// what counts is the order of the offsets that exist, not the gaps between
// them. Sends with an unknown outcome count once a poll that ended ok saw a
// message of the same transaction. A message that nobody is known to have polled
// may have been got by a poll of unknown outcome, whose answer was lost: that is
// Unknown, unless another rule is broken as well. Property: there is no
//
//   - inconsistent-offsets: two messages at one offset
//   - duplicate: a message at two offsets
//   - unexpected, g1a: a poll of what nobody, or only a failed send, had begun to send
//   - lost-write: a message that nobody polled, though somebody polled a later one
//   - unseen: an acknowledged message that nobody polled, though a final poll,
//     begun later, came to the end of its log
//   - poll-skip, nonmonotonic-poll: a consumer's next poll of a key that leaves
//     out messages, or goes back (unless Rebalanced, or assigned anew)
//   - int-poll-skip, int-nonmonotonic-poll: the same within one operation
//     (unless the key was rebalanced during it)
//   - nonmonotonic-send, int-nonmonotonic-send: a producer's later message at
//     an earlier offset
//   - precommitted-read: a transaction that polls what it sent itself
//   - g0: transactions of which each wrote before the other (if WriteOrder)
//   - g1c: transactions that each depend on the other by polls and real time
//   - lag: a poll that lags by more than MaxLag
//
// Counts also have int-send-skip and "worst_lag_ms". Cost: O(n + messages
// polled), and a sort of the offsets by pages. Unknown: acknowledged messages
// that nobody polled, if there is no proof that they should have been; a
// message sent twice to a key; nothing sent or nothing polled. Counterexample:
// "log 3: message 17, sent by process 1 and acknowledged at 2.1s (#9), was
// never polled, though process 4 got 19 (#20), which is later in the log."
func Log(o LogOptions) checkers.Checker {
	return checker{
		name: "log", whole: true,
		judge:   func(r *report, ops []history.Operation) { judgeLog(r, ops, o) },
		lacking: "Nothing was sent, or no poll ended ok, so nothing is known about the log.",
		sum: func(r *report) string {
			return fmt.Sprintf("The messages (%d, in %s) were polled in one order, without loss; the worst lag was %dms.",
				r.counts["messages"], say.Number(r.counts["logs"], "log"), r.counts["worst_lag_ms"])
		},
	}
}

// A stream is all logs with all that was sent to them and polled from them.
type stream struct {
	LogOptions
	r      *report
	logs   []*partition
	byName map[string]int32
	txns   []txn
	sends  []sent
	polls  []polled
	got    []message // what polls got
	moved  map[int32][]int32
	// mixed: some transaction both sends and polls; ambiguous: some message
	// was sent twice.
	mixed, ambiguous bool
	// blind are, by key, or "" for any, polls of unknown outcome of which nobody
	// saw what they got.
	blind map[string]int
}

// A txn is one operation with what it sent and polled, as ranges of the
// stream's lists; an assign or subscribe has neither.
type txn struct {
	op                 history.Operation
	sendFrom, sendTo   int32
	pollFrom, pollTo   int32
	committed, visible bool // ok; ok, or known to have happened
}

// unknownOffset stands for an offset that nobody said.
const unknownOffset = -1

// A sent message, a polled range of the messages got, and a message.
type (
	sent struct {
		log, message int32
		offset       int64
	}
	polled struct {
		log, from, to int32
	}
	message struct {
		offset int64
		id     int32
	}
)

// A partition is one log.
type partition struct {
	name     string
	ids      ids
	messages []logged
	offsets  table
	order    []int32 // messages in order of their offsets
	// end is the last final poll to begin that found the log's end; Invoke is
	// nil if none did.
	end history.Operation
}

// A logged message is what is known about a message of a log. Operations are
// indexes of stream.txns, -1 for none.
type logged struct {
	sender, reader int32
	// first and last are its places in the order; -1: none.
	first, last int32
	twice       bool
}

func judgeLog(r *report, ops []history.Operation, o LogOptions) {
	s := &stream{LogOptions: o, r: r, byName: make(map[string]int32), moved: make(map[int32][]int32), txns: make([]txn, 0, len(ops))}
	for i, op := range ops {
		if r.spend(1) {
			r.cutShort(i, len(ops))
			return
		}
		s.take(op)
	}
	r.count("logs", len(s.logs))
	if s.ambiguous || len(s.sends) == 0 || len(s.polls) == 0 {
		return
	}
	for _, step := range []func(){
		s.readers, s.build, s.conflicts, s.lost, s.consumers, s.producers, s.lags, s.circles,
	} {
		if r.stopped() {
			r.doubt("Time ran out before everything was looked at.")
			return
		}
		step()
	}
}

// log returns the number of a key's log, a new one if it is new.
func (s *stream) log(name []byte) int32 {
	at, known := s.byName[string(name)]
	if !known {
		at = int32(len(s.logs))
		s.byName[string(name)] = at
		s.logs = append(s.logs, &partition{name: string(name)})
	}
	return at
}

// message makes room for a message's id.
func (p *partition) message(id int32) *logged {
	for len(p.messages) <= int(id) {
		p.messages = append(p.messages, logged{sender: -1, reader: -1, first: -1, last: -1})
	}
	return &p.messages[id]
}
