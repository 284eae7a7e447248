package fold

import (
	"fmt"
	"strings"

	"github.com/shakedown-dev/shakedown/history"
)

// cycles notes every component with two versions or more.
func (s *sessions) cycles() {
	if s.r.stopped() {
		s.r.doubt("Time ran out before the versions were put in order.")
		return
	}
	of := s.g.components()
	first := make(map[int32]int32)
	told := make(map[int32]bool)
	for v := range s.of {
		if s.of[v].version == isPast {
			continue
		}
		other, again := first[of[v]]
		if !again {
			first[of[v]] = int32(v)
			continue
		}
		if !told[of[v]] {
			told[of[v]] = true
			s.cyclic(other, int32(v), of)
		}
	}
}

// cyclic tells of a shortest way from one version to another and back. (A way
// from a version to itself proves nothing: it may have been read twice.)
func (s *sessions) cyclic(v, other int32, of []int32) {
	edges := append(s.g.path(v, other, of), s.g.path(other, v, of)...)
	var proof []history.Operation
	for _, e := range edges {
		proof = append(proof, s.facts[e].op, s.facts[e].through)
	}
	s.r.key = s.keys[s.of[v].key].name
	if s.r.found("session", proof...) {
		s.r.tell("session", "no order of its versions keeps what was promised: %s.", strings.Join(s.steps(v, edges), "; "))
	}
	s.r.key = ""
}

// steps says, for every step from one version to the next, why the next is not
// older.
func (s *sessions) steps(v int32, edges []int32) []string {
	var says []string
	from, entry := v, fact{}
	for _, e := range edges {
		to, label := s.g.to[e], s.g.label[e]
		switch {
		case label == labelPast:
			if s.facts[e].op.Invoke != nil {
				entry = s.facts[e]
			}
			continue
		case label == labelOrder:
			if s.of[to].version != isPast {
				says = append(says, fmt.Sprintf("%s is older than %s%s", s.show(from), s.show(to), s.byNumber(from)))
				from = to
			}
			continue
		}
		says = append(says, s.step(from, to, label, entry.op, s.facts[e]))
		from = to
	}
	return says
}

func (s *sessions) byNumber(v int32) string {
	if s.of[v].version == isAbsent {
		return ""
	}
	return " by the database's own numbers"
}

// step says why to is not older than from.
func (s *sessions) step(from, to, label int32, earlier history.Operation, later fact) string {
	if later.through.Invoke == nil {
		return fmt.Sprintf("process %d %s %s (#%d) after it had %s %s (#%d), so that %s is not older (%s)",
			later.op.Invoke.Process, did(later.op), s.show(to), last(later.op), done(earlier), s.show(from), last(earlier), s.show(to), Guarantees()[label])
	}
	return fmt.Sprintf("process %d read %s (#%d) after it had read %s (#%d), written by process %d, which had %s %s (#%d) before, so that %s is not older (%s)",
		later.op.Invoke.Process, s.show(to), last(later.op), show(later.through.Complete.Value), last(later.through), earlier.Invoke.Process,
		done(earlier), s.show(from), last(earlier), s.show(to), Guarantees()[label])
}

func did(o history.Operation) string {
	if o.Invoke.F == fWrite {
		return "wrote"
	}
	return "read"
}

func done(o history.Operation) string {
	if o.Invoke.F == fWrite {
		return "written"
	}
	return "read"
}

// last is the operation's last event.
func last(o history.Operation) int {
	if o.Complete == nil {
		return o.Invoke.Index
	}
	return o.Complete.Index
}

// show names a version.
func (s *sessions) show(v int32) string {
	if s.of[v].version == isAbsent {
		return "null"
	}
	return s.keys[s.of[v].key].values.ids.name(s.of[v].version)
}
