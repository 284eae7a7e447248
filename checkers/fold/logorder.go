package fold

import (
	"cmp"
	"maps"
	"slices"

	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// pageSize is how many offsets a page of a table holds: few enough that
// sparse offsets waste little.
const pageSize = 256

// A table holds the messages at the offsets of a log.
type table struct {
	pages map[int64]*page
	last  *page
	at    int64
	// more are the other messages at offsets that have several.
	more map[int64][]int32
}

// A page holds, for each of its offsets, a message's id + 1, and later the
// offset's place in the order.
type page struct {
	message, place [pageSize]int32
}

func (t *table) page(offset int64) *page {
	at := offset / pageSize
	if t.last != nil && t.at == at {
		return t.last
	}
	p, known := t.pages[at]
	if !known {
		if t.pages == nil {
			t.pages = make(map[int64]*page)
		}
		p = &page{}
		t.pages[at] = p
	}
	t.last, t.at = p, at
	return p
}

// put notes that a message is at an offset.
func (t *table) put(offset int64, id int32) {
	slot := &t.page(offset).message[offset%pageSize]
	switch {
	case *slot == 0:
		*slot = id + 1
	case *slot != id+1 && !slices.Contains(t.more[offset], id):
		if t.more == nil {
			t.more = make(map[int64][]int32)
		}
		t.more[offset] = append(t.more[offset], id)
	}
}

// place returns an offset's place in the order, or -1 if it does not exist.
func (t *table) place(offset int64) int32 {
	if offset < 0 {
		return -1
	}
	p := t.page(offset)
	if p.message[offset%pageSize] == 0 {
		return -1
	}
	return p.place[offset%pageSize]
}

// readers notes which messages were polled by operations that ended ok, and
// which operations with an unknown outcome must therefore have happened.
func (s *stream) readers() {
	for at := range s.txns {
		t := &s.txns[at]
		if !t.committed {
			continue
		}
		for _, x := range s.polls[t.pollFrom:t.pollTo] {
			for _, m := range s.got[x.from:x.to] {
				s.r.judged = true
				if l := &s.logs[x.log].messages[m.id]; l.reader < 0 {
					l.reader = int32(at)
				}
			}
		}
	}
	for at := range s.txns {
		t := &s.txns[at]
		if t.committed || t.op.Type() == history.Fail {
			continue
		}
		t.visible = slices.ContainsFunc(s.sends[t.sendFrom:t.sendTo], func(x sent) bool {
			return s.logs[x.log].messages[x.message].reader >= 0
		})
	}
}

// build puts the logs together: what is known of their offsets, in order.
func (s *stream) build() {
	for at := range s.txns {
		t := &s.txns[at]
		if t.visible {
			for _, x := range s.sends[t.sendFrom:t.sendTo] {
				if x.offset >= 0 {
					s.logs[x.log].offsets.put(x.offset, x.message)
				}
			}
		}
		for _, x := range s.polls[t.pollFrom:t.pollTo] {
			for _, m := range s.got[x.from:x.to] {
				if m.offset >= 0 {
					s.logs[x.log].offsets.put(m.offset, m.id)
				}
			}
		}
	}
	for _, p := range s.logs {
		p.arrange()
		s.r.count("messages", len(p.messages))
	}
}

// arrange gives the offsets of a log their places.
func (p *partition) arrange() {
	for _, at := range slices.Sorted(maps.Keys(p.offsets.pages)) {
		page := p.offsets.pages[at]
		for i, id := range page.message {
			if id == 0 {
				continue
			}
			page.place[i] = int32(len(p.order))
			p.stand(id - 1)
			for _, other := range p.offsets.more[at*pageSize+int64(i)] {
				p.stand(other)
			}
			p.order = append(p.order, id-1)
		}
	}
}

// stand notes that a message is at the next place.
func (p *partition) stand(id int32) {
	m := &p.messages[id]
	place := int32(len(p.order))
	if m.first < 0 {
		m.first = place
	} else {
		m.twice = true
	}
	m.last = place
}

// where returns a message's place by its offset, or failing that by itself.
func (p *partition) where(m message) int32 {
	if place := p.offsets.place(m.offset); place >= 0 {
		return place
	}
	return p.messages[m.id].first
}

// conflicts judges what the logs are made of.
func (s *stream) conflicts() {
	for at, p := range s.logs {
		s.r.key = p.name
		for _, offset := range slices.Sorted(maps.Keys(p.offsets.more)) {
			first := p.offsets.page(offset).message[offset%pageSize] - 1
			for _, other := range p.offsets.more[offset] {
				a, b := s.witness("inconsistent-offsets", int32(at), message{offset, first}), s.witness("inconsistent-offsets", int32(at), message{offset, other})
				if s.r.found("inconsistent-offsets", a, b) {
					s.r.tell("inconsistent-offsets", "at offset %d there is %s for %s (#%d), but %s for %s (#%d).",
						offset, p.ids.name(first), who(a), last(a), p.ids.name(other), who(b), last(b))
				}
			}
		}
		for id := range p.messages {
			if p.messages[id].twice {
				s.duplicate(int32(at), p, int32(id))
			}
		}
	}
	s.r.key = ""
	s.origins()
}

// duplicate notes a message at several offsets.
func (s *stream) duplicate(at int32, p *partition, id int32) {
	if s.r.counted("duplicate") >= searched {
		s.r.found("duplicate", s.sender(p, id))
		return
	}
	var offsets []int64
	for number, page := range p.offsets.pages {
		for i, m := range page.message {
			if offset := number*pageSize + int64(i); m == id+1 || slices.Contains(p.offsets.more[offset], id) {
				offsets = append(offsets, offset)
			}
		}
	}
	slices.Sort(offsets)
	a, b := s.witness("duplicate", at, message{offsets[0], id}), s.witness("duplicate", at, message{offsets[1], id})
	if s.r.found("duplicate", s.sender(p, id), a, b) {
		s.r.tell("duplicate", "message %s is at offset %d for %s (#%d) and at %d for %s (#%d).",
			p.ids.name(id), offsets[0], who(a), last(a), offsets[1], who(b), last(b))
	}
}

// sender returns the operation that sent a message; Invoke is nil if none did.
func (s *stream) sender(p *partition, id int32) history.Operation {
	if at := p.messages[id].sender; at >= 0 {
		return s.txns[at].op
	}
	return history.Operation{}
}

// searched is for how many findings of a kind the operations are looked for
// that show it, which takes a pass each.
const searched = 16

// witness returns an operation that says that a message is at an offset, for a
// finding of the given kind.
func (s *stream) witness(kind string, log int32, m message) history.Operation {
	if s.r.counted(kind) >= searched {
		return history.Operation{}
	}
	for at := range s.txns {
		t := &s.txns[at]
		if t.visible && slices.Contains(s.sends[t.sendFrom:t.sendTo], sent{log, m.id, m.offset}) {
			return t.op
		}
		for _, x := range s.polls[t.pollFrom:t.pollTo] {
			if x.log == log && slices.Contains(s.got[x.from:x.to], m) {
				return t.op
			}
		}
	}
	return history.Operation{}
}

// origins judges where polled messages came from.
func (s *stream) origins() {
	for at := range s.txns {
		t := &s.txns[at]
		for _, x := range s.polls[t.pollFrom:t.pollTo] {
			if x.log < 0 {
				continue
			}
			p := s.logs[x.log]
			for _, m := range s.got[x.from:x.to] {
				s.origin(t, p, m, int32(at))
			}
		}
	}
	s.r.key = ""
}

func (s *stream) origin(t *txn, p *partition, m message, at int32) {
	sender := p.messages[m.id].sender
	if sender >= 0 && sender != at && s.txns[sender].op.Type() != history.Fail && call(s.txns[sender].op) < ended0(t.op) {
		return
	}
	s.r.key = p.name
	switch w := s.sender(p, m.id); {
	case sender == at:
		if s.r.found("precommitted-read", t.op) {
			s.r.tell("precommitted-read", "%s polled message %s, which the same transaction sent (#%d).", who(t.op), p.ids.name(m.id), last(t.op))
		}
	case sender < 0:
		if s.r.found("unexpected", t.op) {
			s.r.tell("unexpected", "%s polled message %s (#%d), which nobody sent.", who(t.op), p.ids.name(m.id), last(t.op))
		}
	case call(w) > ended0(t.op):
		if s.r.found("unexpected", w, t.op) {
			s.r.tell("unexpected", "%s polled message %s (#%d) before %s began to send it (#%d).", who(t.op), p.ids.name(m.id), last(t.op), who(w), call(w))
		}
	case t.committed && w.Type() == history.Fail:
		if s.r.found("g1a", w, t.op) {
			s.r.tell("g1a", "%s polled message %s (#%d), but %s, who sent it, %s.", who(t.op), p.ids.name(m.id), last(t.op), who(w), ended(w))
		}
	}
}

// ended0 is the place of the completion, whatever the outcome: what was polled
// was there by then.
func ended0(o history.Operation) int {
	if o.Complete == nil {
		return open
	}
	return o.Complete.Index
}

// lost judges what was sent and not polled.
func (s *stream) lost() {
	for _, p := range s.logs {
		s.r.key = p.name
		bound, by := int32(-1), int32(-1)
		for id := range p.messages {
			if m := &p.messages[id]; m.reader >= 0 && m.first > bound {
				bound, by = m.first, int32(id)
			}
		}
		hidden, unseen, blind := 0, 0, s.blind[p.name]+s.blind[""]
		for id := range p.messages {
			m := &p.messages[id]
			if m.reader >= 0 || m.sender < 0 || !s.txns[m.sender].visible {
				continue
			}
			w := s.txns[m.sender].op
			passed, ended := m.last >= 0 && m.last <= bound, w.Type() == history.OK && p.end.Invoke != nil && call(p.end) > ret(w)
			switch {
			case (passed || ended) && blind > 0:
				hidden++
			case passed:
				s.gone(p, int32(id), by)
			case w.Type() != history.OK:
			case ended:
				s.unseen(p, int32(id), w)
			default:
				unseen++
			}
		}
		if hidden > 0 {
			s.r.doubt("%s never polled, as far as is known; polls of unknown outcome may have got them (%d).", say.Number(hidden, "message"), blind)
		}
		if unseen > 0 {
			s.r.count("unpolled", unseen)
			s.r.doubt("%s acknowledged and never polled, and no final poll came to the end of the log after that.", say.Number(unseen, "message"))
		}
	}
	s.r.key = ""
}

func (s *stream) gone(p *partition, id, by int32) {
	w, reader := s.sender(p, id), s.txns[p.messages[by].reader].op
	if s.r.found("lost-write", w, reader) {
		s.r.tell("lost-write", "message %s, sent by %s and %s, was never polled, though %s got %s (#%d), which is later in the log.",
			p.ids.name(id), who(w), ended(w), who(reader), p.ids.name(by), last(reader))
	}
}

func (s *stream) unseen(p *partition, id int32, w history.Operation) {
	end := p.end
	if s.r.found("unseen", w, end) {
		s.r.tell("unseen", "message %s, sent by %s and %s, was never polled, though the final poll of %s, %s, came to the end of the log.",
			p.ids.name(id), who(w), ended(w), who(end), began(end))
	}
}

// compareEnds orders operations by their completion.
func compareEnds(a, b history.Operation) int { return cmp.Compare(ret(a), ret(b)) }
