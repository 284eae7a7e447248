package agent

import (
	"context"
	"errors"
	"testing"
)

func TestProbe(t *testing.T) {
	b := newBench(t, 0)
	faults := map[string]Ability{}
	for _, a := range b.ask(t, Request{Do: Probe}).Abilities {
		t.Logf("%+v", a)
		faults[a.Fault] = a
	}
	for _, fault := range []string{"partition", "kill", "pause", "clock"} {
		if a := faults[fault]; !a.OK || a.Detail == "" || a.Backend == "" || a.Hint != "" {
			t.Errorf("%s, as root on this host: %+v", fault, a)
		}
	}
}

func TestProbeSaysWhatFailed(t *testing.T) {
	hinted := Ability{Fault: "pause", Backend: "freezer", Hint: "mount it"}
	for name, try := range map[string]func(context.Context) (string, string, error){
		"error": func(context.Context) (string, string, error) { return "freezer v9", "fine", errors.New("broken") },
		"panic": func(context.Context) (string, string, error) { panic("broken") },
	} {
		t.Run(name, func(t *testing.T) {
			a := attempt(t.Context(), hinted, try)
			if a.OK || a.Hint != "mount it" || a.Detail == "fine" || a.Detail == "" {
				t.Errorf("%+v; want it not OK, with the reason and the hint", a)
			}
		})
	}
}
