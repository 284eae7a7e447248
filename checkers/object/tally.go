package object

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/linear"
	"github.com/shakedown-dev/shakedown/checkers/say"
)

// A tallied is all things, sorted by how they came out.
type tallied struct {
	valid, violated, unjudged []*judgement
	// observations counts the acts that saw something.
	operations, unknown, observations int
}

func tally(all []*judgement) tallied {
	var t tallied
	for _, j := range all {
		switch j.verdict {
		case checkers.Valid:
			t.valid = append(t.valid, j)
		case checkers.Violation:
			t.violated = append(t.violated, j)
		default:
			t.unjudged = append(t.unjudged, j)
		}
		t.operations += j.operations
		t.unknown += j.unknown
		for i := range j.acts {
			if j.acts[i].observed() {
				t.observations++
			}
		}
	}
	return t
}

// observed reports whether the act saw anything that could be wrong.
func (a *act) observed() bool {
	switch a.lin.Kind {
	case linear.Write, linear.Add, linear.Put, linear.Discard:
		return false
	}
	return !a.unknown
}

func (t tallied) keys() int { return len(t.valid) + len(t.violated) + len(t.unjudged) }

func (t tallied) counts() map[string]int64 {
	return map[string]int64{
		"keys": int64(t.keys()), "keys_linearizable": int64(len(t.valid)),
		"keys_violated": int64(len(t.violated)), "keys_not_judged": int64(len(t.unjudged)),
		"operations": int64(t.operations), "operations_unknown": int64(t.unknown),
	}
}

// phrase tells of unknown results, and who decided.
func (t tallied) phrase() string {
	says := "no operation has an unknown result"
	if t.unknown > 0 {
		says = fmt.Sprintf("of %s %s an unknown result", say.Number(t.operations, "operation"), say.Have(t.unknown))
	}
	used := map[string]bool{}
	for _, j := range slices.Concat(t.valid, t.violated) {
		used[plain(j.engine)] = true
	}
	if len(used) > 0 {
		says += "; decided by " + strings.Join(slices.Sorted(maps.Keys(used)), " and ")
	}
	return says
}

// judged tells how many things are known to be right.
func (t tallied) judged() string {
	return fmt.Sprintf("Of %s %d could be judged, and %s linearizable; %s.",
		say.Number(t.keys(), "key"), len(t.valid)+len(t.violated), say.Are(len(t.valid)), t.phrase())
}

// rest names the things that were not judged, by the first reason.
func (t tallied) rest() string {
	first := t.unjudged[0].reason
	var same []string
	for _, j := range t.unjudged {
		if j.reason == first {
			same = append(same, j.called("object"))
		}
	}
	others := ""
	if n := len(t.unjudged) - len(same); n > 0 {
		others = fmt.Sprintf("; %s for other reasons", say.Number(n, "more key"))
	}
	return fmt.Sprintf("Not judged: %s (%s)%s.", say.Few(same, toldKeys), first, others)
}

// plain is what sentences call an engine.
func plain(engine string) string {
	if strings.HasSuffix(engine, "search") {
		return "search"
	}
	return engine
}
