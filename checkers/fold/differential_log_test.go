package fold

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/shakedown-dev/shakedown/history"
)

// randomLog sends to two logs and polls them, mostly right.
func randomLog(rng *rand.Rand) *tape {
	t := &tape{}
	type place struct{ offset, id int }
	logs := make([][]place, 2)
	reach := make(map[[2]int]int)
	t.interleave(rng, 2+rng.IntN(9), 3, func(process, i int) {
		if rng.IntN(2) == 0 {
			t.begin(process, "poll", "", `[["poll"]]`)
			return
		}
		t.begin(process, "send", "", fmt.Sprintf(`[["send","k%d",%d]]`, rng.IntN(2), i))
	}, func(process, i int) history.Type {
		as := history.OK
		if rng.IntN(6) == 0 {
			as = anyEnd(rng)
		}
		op := t.open[process]
		if op.F == "send" {
			k := int(op.Value[11] - '0')
			offset := len(logs[k]) + rng.IntN(5)/4
			logs[k] = append(logs[k], place{offset, i})
			said := strconv.Itoa(offset)
			if rng.IntN(8) == 0 {
				said = "null"
			}
			t.end(process, as, fmt.Sprintf(`[["send","k%d",[%s,%d]]]`, k, said, i))
			return as
		}
		got := make([][]place, 2)
		for k, log := range logs {
			at := [2]int{process, k}
			from := min(reach[at]+rng.IntN(6)/5, len(log))
			got[k] = slices.Clone(log[from:min(len(log), from+rng.IntN(4))])
			if n := len(got[k]); n > 1 && rng.IntN(6) == 0 {
				got[k][0], got[k][n-1] = got[k][n-1], got[k][0]
			} else if n > 0 && rng.IntN(10) == 0 {
				got[k][0].offset = rng.IntN(4)
			} else if n > 0 && rng.IntN(15) == 0 {
				got[k][0].id = rng.IntN(12)
			}
			if as == history.OK && rng.IntN(10) > 0 {
				reach[at] = from + len(got[k])
			}
		}
		b := []byte(`[["poll",{`)
		for k := range got {
			if k > 0 {
				b = append(b, ',')
			}
			b = fmt.Appendf(b, `"k%d":[`, k)
			for i, m := range got[k] {
				if i > 0 {
					b = append(b, ',')
				}
				b = fmt.Appendf(b, "[%d,%d]", m.offset, m.id)
			}
			b = append(b, ']')
		}
		t.end(process, as, string(append(b, "}]]"...)))
		return as
	})
	return t
}

// A saying is what one operation says of one log: [offset, message], offset -1
// for unknown.
type saying struct {
	op      history.Operation
	send    bool
	visible bool
	pairs   [][2]int
}

// sayings reads a history of randomLog for one log.
func sayings(ops []history.Operation, key string) []saying {
	var all []saying
	for _, o := range ops {
		s := saying{op: o, send: o.Invoke.F == "send", visible: o.Type() == history.OK}
		var micros [][]json.RawMessage
		if json.Unmarshal(o.Value(), &micros) != nil || len(micros[0]) < 2 {
			continue
		}
		if s.send {
			var k string
			var pair []*int
			if json.Unmarshal(micros[0][1], &k) != nil || k != key {
				continue
			}
			if json.Unmarshal(micros[0][2], &pair) != nil {
				id, _ := strconv.Atoi(string(micros[0][2]))
				s.pairs = [][2]int{{-1, id}}
			} else if pair[0] == nil {
				s.pairs = [][2]int{{-1, *pair[1]}}
			} else {
				s.pairs = [][2]int{{*pair[0], *pair[1]}}
			}
		} else {
			var got map[string][][2]int
			if json.Unmarshal(micros[0][1], &got) == nil {
				s.pairs = got[key]
			}
		}
		all = append(all, s)
	}
	return all
}

// defineLog looks for everything word by word.
func defineLog(ops []history.Operation) map[string]bool {
	found := make(map[string]bool)
	polls := 0
	for _, o := range ops {
		if o.Invoke.F == "poll" && o.Complete != nil && len(o.Complete.Value) > len(`[["poll"]]`) {
			polls++
		}
	}
	if polls == 0 || polls == len(ops) {
		return found
	}
	for _, key := range []string{"k0", "k1"} {
		newDefinedLog(sayings(ops, key)).define(found)
	}
	return found
}

// A definedLog is a log by its sayings.
type definedLog struct {
	all     []saying
	at      map[int]map[int]bool // offset → messages
	offsets []int
	polled  map[int]bool
}

func newDefinedLog(all []saying) *definedLog {
	l := &definedLog{all: all, at: make(map[int]map[int]bool), polled: make(map[int]bool)}
	for _, s := range all {
		if !s.send && s.visible {
			for _, p := range s.pairs {
				l.polled[p[1]] = true
			}
		}
	}
	for i := range all {
		s := &l.all[i]
		s.visible = s.visible || s.send && s.op.Type() == history.Info && l.polled[s.pairs[0][1]]
		for _, p := range s.pairs {
			if p[0] < 0 || s.send && !s.visible {
				continue
			}
			if l.at[p[0]] == nil {
				l.at[p[0]] = make(map[int]bool)
				l.offsets = append(l.offsets, p[0])
			}
			l.at[p[0]][p[1]] = true
		}
	}
	slices.Sort(l.offsets)
	return l
}

// places are the ranks of a message's offsets.
func (l *definedLog) places(message int) []int {
	var ranks []int
	for rank, offset := range l.offsets {
		if l.at[offset][message] {
			ranks = append(ranks, rank)
		}
	}
	return ranks
}

// rank is the place of one pair.
func (l *definedLog) rank(p [2]int) (int, bool) {
	if rank := slices.Index(l.offsets, p[0]); rank >= 0 {
		return rank, true
	}
	if ranks := l.places(p[1]); len(ranks) > 0 {
		return ranks[0], true
	}
	return 0, false
}

func (l *definedLog) sender(message int) *saying {
	for i, s := range l.all {
		if s.send && s.pairs[0][1] == message {
			return &l.all[i]
		}
	}
	return nil
}

func (l *definedLog) define(found map[string]bool) {
	bound := -1
	for m := range l.polled {
		if ranks := l.places(m); len(ranks) > 0 {
			bound = max(bound, ranks[0])
		}
	}
	for _, messages := range l.at {
		if len(messages) > 1 {
			found["inconsistent-offsets"] = true
		}
		for m := range messages {
			ranks := l.places(m)
			if len(ranks) > 1 {
				found["duplicate"] = true
			}
			if w := l.sender(m); w != nil && w.visible && !l.polled[m] && ranks[len(ranks)-1] <= bound {
				found["lost-write"] = true
			}
		}
	}
	left := make(map[[2]bool]map[int][2]int)
	left[[2]bool{true}], left[[2]bool{false}] = make(map[int][2]int), make(map[int][2]int)
	for _, s := range l.all {
		l.origin(s, found)
		l.walk(s, left[[2]bool{s.send}], found)
	}
}

// origin says where the messages of a poll came from.
func (l *definedLog) origin(s saying, found map[string]bool) {
	if s.send || s.op.Complete == nil {
		return
	}
	for _, p := range s.pairs {
		switch w := l.sender(p[1]); {
		case w == nil || call(w.op) > s.op.Complete.Index:
			found["unexpected"] = true
		case w.op.Type() == history.Fail && s.op.Type() == history.OK:
			found["g1a"] = true
		}
	}
}

// walk follows one process from pair to pair.
func (l *definedLog) walk(s saying, left map[int][2]int, found map[string]bool) {
	process := s.op.Invoke.Process
	kinds := [4]string{"poll-skip", "nonmonotonic-poll", "int-poll-skip", "int-nonmonotonic-poll"}
	if s.send {
		kinds = [4]string{"", "nonmonotonic-send", "", ""}
		if s.op.Type() == history.Fail {
			return
		}
		if !s.visible {
			s.pairs = [][2]int{{-1, s.pairs[0][1]}}
		}
	}
	before, again := left[process]
	for i, p := range s.pairs {
		if i > 0 {
			before, again = s.pairs[i-1], true
			kinds[0], kinds[1] = kinds[2], kinds[3]
		}
		a, knownA := l.rank(before)
		b, knownB := l.rank(p)
		if !again || !knownA || !knownB {
			continue
		}
		if b > a+1 {
			found[kinds[0]] = true
		} else if b <= a {
			found[kinds[1]] = true
		}
	}
	if n := len(s.pairs); n > 0 && (s.send || s.op.Type() == history.OK) {
		left[process] = s.pairs[n-1]
	}
	delete(found, "")
}
