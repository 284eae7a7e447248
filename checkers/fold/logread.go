package fold

import (
	"bytes"
	"encoding/json"

	"github.com/shakedown-dev/shakedown/history"
)

// take reads an operation.
func (s *stream) take(o history.Operation) {
	t := txn{op: o, sendFrom: int32(len(s.sends)), pollFrom: int32(len(s.polls)), committed: o.Type() == history.OK}
	switch o.Invoke.F {
	case "send", "poll", "txn":
		s.parse(o)
	case "assign", "subscribe":
		s.Rebalanced = s.Rebalanced || o.Invoke.F == "subscribe" && t.committed
	default:
		return
	}
	t.sendTo, t.pollTo, t.visible = int32(len(s.sends)), int32(len(s.polls)), t.committed
	at := int32(len(s.txns))
	s.txns = append(s.txns, t)
	s.mixed = s.mixed || t.sendTo > t.sendFrom && t.pollTo > t.pollFrom
	for _, x := range s.sends[t.sendFrom:t.sendTo] {
		m := s.logs[x.log].message(x.message)
		if m.sender >= 0 && (s.txns[m.sender].op.Type() != history.Fail && o.Type() != history.Fail) {
			s.ambiguous = true
			s.r.doubt("message %s was sent to log %s twice (#%d and #%d); one cannot say then which was polled.",
				s.logs[x.log].ids.name(x.message), s.logs[x.log].name, call(s.txns[m.sender].op), call(o))
		}
		if m.sender < 0 || o.Type() != history.Fail {
			m.sender = at
		}
	}
}

// parse reads what was sent and polled. What did not complete with a value was
// sent as it was invoked.
func (s *stream) parse(o history.Operation) {
	value := o.Value()
	from := len(s.polls)
	switch {
	case o.Invoke.Key == "" && bytes.Equal(bytes.TrimSpace(value), []byte("[]")):
	case microOperation(value):
		s.micros(o, value)
	case o.Invoke.F == "send":
		s.sendTo([]byte(o.Invoke.Key), &cursor{b: value})
	case o.Invoke.F == "poll" && o.Complete != nil && !isNull(o.Complete.Value):
		c := &cursor{b: o.Complete.Value}
		if c.peek() == '[' {
			s.pollOf([]byte(o.Invoke.Key), c)
		} else if !s.pollAll(c) {
			s.odd(o, value)
		}
	case o.Invoke.F == "txn" && !isNull(value):
		s.odd(o, value)
	}
	s.ends(o, s.polls[from:])
	if o.Type() == history.Info && len(s.polls) == from && asksPoll(o) {
		if s.blind == nil {
			s.blind = make(map[string]int)
		}
		s.blind[o.Invoke.Key]++
	}
}

// asksPoll reports whether the operation polls, by itself or among others.
func asksPoll(o history.Operation) bool {
	return o.Invoke.F == "poll" || bytes.Contains(o.Invoke.Value, []byte(`["poll"`)) || bytes.Contains(o.Invoke.Value, []byte(`[":poll"`))
}

func (s *stream) odd(o history.Operation, value json.RawMessage) {
	s.r.doubt("the %s #%d cannot be read: %s.", o.Invoke.F, call(o), show(value))
}

// micros reads a transaction.
func (s *stream) micros(o history.Operation, value json.RawMessage) {
	c := &cursor{b: value}
	for c.open('['); c.more(']'); {
		if !c.open('[') || !c.more(']') {
			s.odd(o, value)
			return
		}
		switch f := name(c); {
		case string(f) == "send" && c.more(']'):
			key := name(c)
			if c.more(']') {
				s.sendTo(key, c)
				c.rest(']')
			}
		case string(f) == "poll" && c.more(']'):
			if !s.pollAll(c) {
				s.odd(o, value)
				return
			}
			c.rest(']')
		case string(f) == "rebalance" && c.more(']'):
			s.rebalance(c)
			c.rest(']')
		case string(f) == "poll": // invoked: the bracket was stepped over
		default:
			s.odd(o, value)
			return
		}
	}
	if c.bad {
		s.odd(o, value)
	}
}

// name reads a word or key, in Jepsen's way with a colon or without.
func name(c *cursor) []byte {
	text := c.value()
	if len(text) < 2 || text[0] != '"' {
		return text
	}
	if bytes.IndexByte(text, '\\') >= 0 {
		text = []byte(unquote(text))
	} else {
		text = text[1 : len(text)-1]
	}
	return bytes.TrimPrefix(text, []byte(":"))
}

// sendTo reads a message, or [offset, message].
func (s *stream) sendTo(key []byte, c *cursor) {
	at := s.log(key)
	p := s.logs[at]
	if c.peek() != '[' {
		s.sends = append(s.sends, sent{at, p.ids.next(c), unknownOffset})
		return
	}
	if m, isMessage := pair(p, c); isMessage {
		s.sends = append(s.sends, sent{at, m.id, m.offset})
	}
}

// pair reads [offset, message].
func pair(p *partition, c *cursor) (message, bool) {
	m := message{offset: unknownOffset}
	if !c.open('[') || !c.more(']') {
		c.bad = true
		return m, false
	}
	if offset, isInteger := c.integer(); isInteger {
		m.offset = offset
	} else {
		c.value()
	}
	if !c.more(']') {
		c.bad = true
		return m, false
	}
	m.id = p.ids.next(c)
	c.rest(']')
	return m, true
}

// pollAll reads what a poll got of all keys: {key: [[offset, message], …]}.
func (s *stream) pollAll(c *cursor) bool {
	if c.null() {
		return true
	}
	if !c.open('{') {
		return false
	}
	empty := true
	for c.more('}') {
		empty = false
		key := name(c)
		if c.peek() != ':' {
			c.bad = true
			return false
		}
		c.i++
		s.pollOf(key, c)
	}
	if empty {
		s.polls = append(s.polls, polled{log: -1})
	}
	return !c.bad
}

// pollOf reads what a poll got of one key.
func (s *stream) pollOf(key []byte, c *cursor) {
	at := s.log(key)
	p := s.logs[at]
	x := polled{log: at, from: int32(len(s.got))}
	if !c.open('[') {
		c.value()
		return
	}
	for c.more(']') {
		if m, isMessage := pair(p, c); isMessage {
			s.got = append(s.got, m)
			p.message(m.id)
		}
	}
	x.to = int32(len(s.got))
	s.polls = append(s.polls, x)
}

// rebalance notes keys that were taken from the consumer during the operation.
func (s *stream) rebalance(c *cursor) {
	if !c.open('[') {
		return
	}
	at := int32(len(s.txns))
	for c.more(']') {
		s.moved[at] = append(s.moved[at], s.log(name(c)))
	}
}

// ends notes final polls that found the end of a log: nothing more was there.
func (s *stream) ends(o history.Operation, polls []polled) {
	if !o.Invoke.Final || o.Type() != history.OK {
		return
	}
	for _, x := range polls {
		switch {
		case x.log < 0:
			for _, p := range s.logs {
				p.end = o
			}
		case x.from == x.to:
			s.logs[x.log].end = o
		}
	}
}
