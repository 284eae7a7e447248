package object

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/tiny"
	"github.com/shakedown-dev/shakedown/history"
)

// traffic is a model of a user's own: a light that goes round.
func traffic() porcupine.Model {
	next := map[string]string{"red": "green", "green": "yellow", "yellow": "red"}
	return porcupine.Model{
		Init: func() any { return "red" },
		Step: func(state, input, output any) (bool, any) {
			if input == "turn" {
				return true, next[state.(string)]
			}
			return output == state, state
		},
	}
}

// flaky is one whose turns may do nothing.
func flaky() porcupine.NondeterministicModel {
	plain := traffic()
	return porcupine.NondeterministicModel{
		Init: func() []any { return []any{"red"} },
		Step: func(state, input, output any) []any {
			ok, next := plain.Step(state, input, output)
			switch {
			case !ok:
				return nil
			case input == "turn":
				return []any{state, next}
			}
			return []any{next}
		},
	}
}

func light(o history.Operation) (input, output any, says bool) {
	if o.Invoke.F == "look" && o.Type() == history.Info {
		return nil, nil, false
	}
	return o.Invoke.F, strings.Trim(string(o.Value()), `"`), o.Invoke.F == "turn" || o.Invoke.F == "look"
}

func parse(t *testing.T, text string) *history.History {
	t.Helper()
	h, err := tiny.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestCustomModels: a user hands in a model in Go, of either kind.
func TestCustomModels(t *testing.T) {
	const look = `
p1 [0,1] turn ok
p2 [2,9] look info
p3 [2,3] look -> "%s" ok
p3 [4,5] turn fail
p3 [6,7] wave ok`
	for seen, want := range map[string][2]checkers.Verdict{
		"green": {checkers.Valid, checkers.Valid}, "red": {checkers.Violation, checkers.Valid}, "yellow": {checkers.Violation, checkers.Violation},
	} {
		h := parse(t, fmt.Sprintf(look, seen))
		for i, c := range []checkers.Checker{Of("light", traffic(), light), OfMany("flaky-light", flaky(), light)} {
			r := c.Check(context.Background(), h)
			if r.Verdict != want[i] || c.Name() != "linearizable" || len(r.Says) == 0 {
				t.Errorf("%s seen: %s is %v, not %v: %v", seen, r.Check, r.Verdict, want[i], r.Says)
			}
			if (r.Verdict == checkers.Violation) != (len(r.Evidence) > 0) {
				t.Errorf("%s seen: %v with the evidence %v", seen, r.Verdict, r.Evidence)
			}
		}
	}
	if r := Of("light", traffic(), light).Check(context.Background(), history.New(nil)); r.Verdict != checkers.Unknown {
		t.Errorf("nothing is %v", r.Verdict)
	}
}

// TestBrokenModel: a model that panics makes its own check Unknown, and takes
// nobody along; whether it does so in our search or in porcupine's, which runs in
// a goroutine that nobody else could save.
func TestBrokenModel(t *testing.T) {
	var crowd strings.Builder
	for p := range 81 { // more than the search takes on
		fmt.Fprintf(&crowd, "p%d [0,100] turn ok\n", p)
	}
	crowd.WriteString("p99 [101,102] look -> \"red\" ok\n")
	for _, text := range []string{"p1 [0,1] turn ok", crowd.String()} {
		bad := traffic()
		bad.Step = func(_, _, _ any) (bool, any) { panic("a bug of the user's") }
		good := Of("light", traffic(), light)
		s := checkers.Run(context.Background(), parse(t, text), []checkers.Checker{Of("bad", bad, light), good})
		if r := s.Results[0]; r.Verdict != checkers.Unknown || !strings.Contains(r.Says[0], "a bug of the user's") {
			t.Errorf("%v: %v", r.Verdict, r.Says)
		}
		if len(s.Results) != 2 || s.Results[1].Verdict == checkers.Unknown && text != crowd.String() {
			t.Errorf("the other check suffered: %v", s.Results)
		}
	}
}

// TestCrowd: more operations are open at once than the search takes on, so
// porcupine decides, also for a nondeterministic model.
func TestCrowd(t *testing.T) {
	var crowd strings.Builder
	for p := range 66 {
		fmt.Fprintf(&crowd, "p%d [0,100] turn ok\n", p)
	}
	h := parse(t, crowd.String()+"p99 [101,102] look -> \"red\" ok\n")
	r := OfMany("flaky-light", flaky(), light).Check(context.Background(), h)
	if r.Verdict != checkers.Valid || !strings.Contains(r.Says[0], "porcupine") {
		t.Errorf("%v: %v", r.Verdict, r.Says)
	}
}

// TestSmallestWitness: of a long history the search names a few operations.
func TestSmallestWitness(t *testing.T) {
	var text strings.Builder
	for i := range 200 {
		fmt.Fprintf(&text, "p1 [%d,%d] acquire ok\np1 [%d,%d] release ok\n", 10*i, 10*i+1, 10*i+2, 10*i+3)
	}
	text.WriteString("p1 [2000,2001] acquire ok\np2 [2002,2003] acquire ok\np1 [2004,2005] release ok\n")
	c, err := New("mutex", Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := c.Check(context.Background(), parse(t, text.String()))
	if r.Verdict != checkers.Violation || len(r.Evidence) > 6 {
		t.Errorf("%v by %d events: %v", r.Verdict, len(r.Evidence), r.Says)
	}
}

// TestOutOfTime: a check whose time is up says so.
func TestOutOfTime(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	c, err := New("queue", Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := c.Check(ctx, parse(t, "p1 [0,1] enqueue a 1 ok\np1 [2,3] dequeue a -> 1 ok"))
	if r.Verdict != checkers.Unknown || !strings.Contains(strings.Join(r.Says, " "), "time was up") {
		t.Errorf("%v: %v", r.Verdict, r.Says)
	}
}

// Without this a name could be listed that nobody can ask for.
func TestModels(t *testing.T) {
	for _, m := range Models() {
		if c, err := New(m.Name, Options{}); err != nil || c.Name() != "linearizable" || m.Says == "" {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
	if _, err := New("bicycle", Options{}); err == nil {
		t.Error("a bicycle is no object")
	}
}
