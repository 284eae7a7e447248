package cli

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// Rules about one operation are watched, those that need the whole history are
// named as judged later, and a scenario that does not ask for it is not watched.
func TestLookout(t *testing.T) {
	s := &scenarios.Scenario{Stop: "on-violation", Never: []scenarios.Never{
		{Name: "no-nines", Where: `op.f == "read" and op.value == 9`},
		{Name: "only-grows", Use: "monotonic-register"},
		{Name: "a-program", Run: []string{"true"}},
	}}
	l, err := newLookout(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	if !slices.Equal(l.later, []string{"only-grows", "a-program"}) {
		t.Errorf("judged later: %v", l.later)
	}
	for i, op := range []history.Op{
		{F: "read", Key: "x", Node: "n1"},
		{F: "read", Key: "x", Node: "n1", Type: history.OK, Value: json.RawMessage("3")},
		{F: "read", Key: "x", Node: "n1"},
		{F: "read", Key: "x", Node: "n1", Type: history.OK, Value: json.RawMessage("9")},
	} {
		op.Index = i
		why := l.look(op)
		if (why != "") != (i == 3) || i == 3 && !strings.Contains(why, "the rule no-nines was broken") {
			t.Errorf("event %d: %q", i, why)
		}
	}
	s.Stop = ""
	if l, err := newLookout(context.Background(), s); l != nil || err != nil {
		t.Errorf("nobody asked for it: %v, %v", l, err)
	}
	if _, err := newLookout(context.Background(), &scenarios.Scenario{Stop: "on-violation", Never: []scenarios.Never{{Name: "typo", Where: "opp.value"}}}); err == nil {
		t.Error("a rule with a mistake is watched")
	}
}
