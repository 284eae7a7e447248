package fold

import (
	"slices"
	"sort"
	"time"

	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// A seatOf is one process at one log.
type seatOf struct {
	process int
	log     int32
}

// A stop is where a process, or an operation, left a log: the operation, the
// message and its place, -1 if unknown.
type stop struct {
	txn, message, place int32
}

// consumers judges in which order polls advance.
func (s *stream) consumers() {
	left := make(map[seatOf]stop)
	within := make([]stop, len(s.logs)) // by log: where the operation in hand is
	for i := range within {
		within[i].txn = -1
	}
	for at := range s.txns {
		t := &s.txns[at]
		if s.r.spend(1) {
			s.r.cutShort(at, len(s.txns))
			return
		}
		if s.assigned(t.op, left) {
			continue
		}
		for _, x := range s.polls[t.pollFrom:t.pollTo] {
			for _, m := range s.got[x.from:x.to] {
				now := stop{int32(at), m.id, s.logs[x.log].where(m)}
				if within[x.log].txn == int32(at) {
					if !slices.Contains(s.moved[int32(at)], x.log) {
						s.advance(x.log, within[x.log], now, "int-poll-skip", "int-nonmonotonic-poll", "polled")
					}
				} else if before, again := left[seatOf{t.op.Invoke.Process, x.log}]; again {
					s.advance(x.log, before, now, s.allowed("poll-skip"), s.allowed("nonmonotonic-poll"), "polled")
				}
				within[x.log] = now
			}
		}
		if t.committed {
			for _, x := range s.polls[t.pollFrom:t.pollTo] {
				if x.to > x.from {
					left[seatOf{t.op.Invoke.Process, x.log}] = within[x.log]
				}
			}
		}
	}
}

// allowed returns the name of a kind, with a mark if it is only counted.
func (s *stream) allowed(kind string) string {
	if s.Rebalanced {
		return "(" + kind + ")"
	}
	return kind
}

// assigned reports whether o changes what its process reads, and forgets where
// it left the logs that it reads no more.
func (s *stream) assigned(o history.Operation, left map[seatOf]stop) bool {
	if o.Invoke.F != "assign" && o.Invoke.F != "subscribe" {
		return false
	}
	if o.Type() == history.Fail {
		return true
	}
	var keep []int32
	c := scan(o.Value())
	for c.open('['); c.i > 0 && c.more(']'); {
		keep = append(keep, s.log(name(c)))
	}
	for log := range s.logs {
		if !slices.Contains(keep, int32(log)) {
			delete(left, seatOf{o.Invoke.Process, int32(log)})
		}
	}
	return true
}

// advance judges a step from one message of a log to the next: it should be to
// the next place. Steps from or to an unknown place are not judged. A kind in
// brackets is only counted; an empty one is not looked for.
func (s *stream) advance(log int32, from, to stop, skip, back, did string) {
	if from.place < 0 || to.place < 0 {
		return
	}
	p := s.logs[log]
	kind, delta := skip, to.place-from.place
	switch {
	case delta == 1 || delta > 1 && skip == "":
		return
	case delta < 1:
		kind = back
	}
	if kind[0] == '(' {
		s.r.count(kind[1:len(kind)-1], 1)
		return
	}
	a, b := s.txns[from.txn].op, s.txns[to.txn].op
	s.r.key = p.name
	defer func() { s.r.key = "" }()
	if delta < 1 {
		if s.r.found(kind, a, b) {
			s.r.tell(kind, "%s %s %s (#%d) after %s (#%d), which is not earlier in the log.", who(b), did, p.ids.name(to.message), last(b),
				p.ids.name(from.message), last(a))
		}
		return
	}
	missed := p.order[from.place+1]
	if s.r.found(kind, a, b, s.sender(p, missed)) {
		s.r.tell(kind, "%s %s %s (#%d) right after %s (#%d), and left out %s between them, the first being %s.", who(b), did,
			p.ids.name(to.message), last(b), p.ids.name(from.message), last(a), say.Number(int(delta-1), "message"), p.ids.name(missed))
	}
}

// producers judges in which order sends arrive.
func (s *stream) producers() {
	left := make(map[seatOf]stop)
	within := make([]stop, len(s.logs))
	for i := range within {
		within[i].txn = -1
	}
	for at := range s.txns {
		t := &s.txns[at]
		if s.r.spend(1) {
			s.r.cutShort(at, len(s.txns))
			return
		}
		if s.assigned(t.op, left) {
			continue
		}
		for _, x := range s.sends[t.sendFrom:t.sendTo] {
			now := stop{int32(at), x.message, s.logs[x.log].messages[x.message].first}
			if t.visible && x.offset >= 0 {
				now.place = s.logs[x.log].offsets.place(x.offset)
			}
			before, again := left[seatOf{t.op.Invoke.Process, x.log}]
			switch {
			case within[x.log].txn == int32(at):
				s.advance(x.log, within[x.log], now, "(int-send-skip)", "int-nonmonotonic-send", "sent")
			case again && t.op.Type() != history.Fail:
				s.advance(x.log, before, now, "", "nonmonotonic-send", "sent")
			}
			within[x.log] = now
		}
		if t.op.Type() != history.Fail {
			for _, x := range s.sends[t.sendFrom:t.sendTo] {
				left[seatOf{t.op.Invoke.Process, x.log}] = within[x.log]
			}
		}
	}
}

// A mark says that a log was known to reach an offset at a time.
type mark struct {
	offset int64
	at     time.Duration
	txn    int32
}

// lags measures how far polls lag behind what was known when they began.
func (s *stream) lags() {
	marks := s.marks()
	worst := time.Duration(0)
	for at := range s.txns {
		t := &s.txns[at]
		if !t.committed {
			continue
		}
		for _, x := range s.polls[t.pollFrom:t.pollTo] {
			if x.from == x.to {
				continue
			}
			highest := s.got[x.to-1].offset
			known := marks[x.log]
			i := sort.Search(len(known), func(i int) bool { return known[i].offset > highest })
			if highest < 0 || i == len(known) {
				continue
			}
			lag := t.op.Start() - known[i].at
			worst = max(worst, lag)
			if s.MaxLag > 0 && lag > s.MaxLag && s.r.found("lag", s.txns[known[i].txn].op, t.op) {
				s.r.tell("lag", "%s polled log %s up to offset %d (#%d), %s after offset %d was known to be there (#%d); %s are allowed.", who(t.op),
					s.logs[x.log].name, highest, last(t.op), say.Span(lag), known[i].offset, last(s.txns[known[i].txn].op), s.MaxLag)
			}
		}
	}
	s.r.counts["worst_lag_ms"] = worst.Milliseconds()
}

// marks returns, for each log, when it was first known to reach which offset.
func (s *stream) marks() [][]mark {
	done := make([]int32, 0, len(s.txns))
	for at := range s.txns {
		if s.txns[at].committed {
			done = append(done, int32(at))
		}
	}
	slices.SortFunc(done, func(a, b int32) int { return compareEnds(s.txns[a].op, s.txns[b].op) })
	marks := make([][]mark, len(s.logs))
	reach := func(log int32, offset int64, txn int32) {
		if known := marks[log]; offset >= 0 && (len(known) == 0 || offset > known[len(known)-1].offset) {
			marks[log] = append(known, mark{offset, s.txns[txn].op.Complete.Time, txn})
		}
	}
	for _, at := range done {
		t := &s.txns[at]
		for _, x := range s.sends[t.sendFrom:t.sendTo] {
			reach(x.log, x.offset, at)
		}
		for _, x := range s.polls[t.pollFrom:t.pollTo] {
			if x.to > x.from {
				reach(x.log, s.got[x.to-1].offset, at)
			}
		}
	}
	return marks
}
