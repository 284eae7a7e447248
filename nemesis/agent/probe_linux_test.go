package agent

import (
	"context"
	"errors"
	"testing"
)

func TestProbe(t *testing.T) {
	b := newBench(t, 0)
	faults := map[string][]Ability{}
	for _, a := range b.ask(t, Request{Do: Probe}).Abilities {
		t.Logf("%+v", a)
		faults[a.Fault] = append(faults[a.Fault], a)
	}
	for fault, ways := range map[string]int{"partition": 2, "latency": 2, "connections": 1, "dns": 1, "kill": 2, "pause": 2, "clock": 2, "resources": 4} {
		if len(faults[fault]) != ways {
			t.Errorf("%d ways of %s; want %d", len(faults[fault]), fault, ways)
		}
		for _, a := range faults[fault] {
			if !a.OK || a.Detail == "" || a.Backend == "" || a.Hint != "" {
				t.Errorf("%s, as root on this host: %+v", fault, a)
			}
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
