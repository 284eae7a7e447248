package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/catalog"
	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// Without this a pass could count although the run was cut short, or a
// violation could be lost because it was.
func TestVerdict(t *testing.T) {
	for _, test := range []struct {
		checks  checkers.Verdict
		reasons []string
		want    checkers.Verdict
	}{
		{checkers.Valid, nil, checkers.Valid},
		{checkers.Valid, []string{"cut short"}, checkers.Unknown},
		{checkers.Violation, []string{"cut short"}, checkers.Violation},
		{checkers.Unknown, nil, checkers.Unknown},
	} {
		if got := verdict(checkers.Summary{Verdict: test.checks}, test.reasons); got != test.want {
			t.Errorf("checks say %v, reasons %q: %v, want %v", test.checks, test.reasons, got, test.want)
		}
	}
}

// Without this a run that stopped in its middle could be taken for a whole one.
func TestCutShort(t *testing.T) {
	phase := func(name string) history.Op {
		return history.Op{Time: 1500 * time.Millisecond, Process: history.Nemesis, Type: history.Info, F: "phase", Value: json.RawMessage(`{"phase":"` + name + `"}`)}
	}
	op := history.Op{Type: history.Invoke, F: "read"}
	for _, test := range []struct {
		name string
		h    history.History
		want string
	}{
		{"nothing", history.History{}, "before its first event"},
		{"a list of operations", history.History{Ops: []history.Op{op}}, ""},
		{"a list of operations, truncated", history.History{Ops: []history.Op{op}, Truncated: true}, "last line"},
		{"whole", history.History{Ops: []history.Op{phase("storm"), phase("end")}}, ""},
		{"in a phase", history.History{Ops: []history.Op{phase("storm")}}, "ends at 1.5s, in phase storm"},
		{"in a phase, truncated", history.History{Ops: []history.Op{phase("storm")}, Truncated: true}, "ends at 1.5s, in phase storm"},
	} {
		got := cutShort(&test.h)
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// Without this a history larger than the machine could take it down.
func TestTooLarge(t *testing.T) {
	if tooLarge(100, 1000, 3) || tooLarge(333, 1000, 3) || !tooLarge(334, 1000, 3) {
		t.Error("333 bytes fit into 1000 of memory at 3 for each, and 334 do not")
	}
}

// Without this an option of a scenario's check could be lost on its way to the
// checker, and the check pass for want of it.
func TestSpecsOf(t *testing.T) {
	s := &scenarios.Scenario{
		Checks: []scenarios.Check{
			{Check: "linearizable", Model: "register", Timeout: time.Minute},
			{Check: "recovery", Within: 15 * time.Second},
			{Check: "logs", Forbid: []string{"panic:"}},
		},
		Earned: scenarios.Earned{OKAtLeast: 2000, EveryFaultTookHold: true},
	}
	want := []catalog.Spec{
		{Check: "linearizable", Model: "register", Timeout: time.Minute, Options: map[string][]string{}},
		{Check: "recovery", Options: map[string][]string{"within": {"15s"}}},
		{Check: "logs", Options: map[string][]string{"forbid": {"panic:"}}, Logs: fakeFS(nil)},
		{Check: "stats"},
		{Check: "earned", Options: map[string][]string{"ok_at_least": {"2000"}, "every_fault_took_hold": {"true"}}},
	}
	if _, err := catalog.NewAll(want); err != nil {
		t.Errorf("the catalog does not know what scenarios ask for: %v", err)
	}
	got := specsOf(s, fakeFS(nil))
	for i := range got {
		if (got[i].Logs != nil) != (want[i].Logs != nil) {
			t.Errorf("%s: has logs: %v", got[i].Check, got[i].Logs != nil)
		}
		got[i].Logs, want[i].Logs = nil, nil
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Without this --check and --model could leave out what was asked for, or add
// what was not.
func TestCheckFlagsApply(t *testing.T) {
	all := []catalog.Spec{{Check: "linearizable", Model: "cas-register"}, {Check: "recovery", Options: map[string][]string{"within": {"15s"}}}}
	for _, test := range []struct {
		flags checkFlags
		want  []string
	}{
		{checkFlags{}, []string{"linearizable cas-register  0s map[]", "recovery   0s map[within:[15s]]"}},
		{checkFlags{only: []string{"recovery"}}, []string{"recovery   0s map[within:[15s]]"}},
		{checkFlags{model: "register", timeout: time.Second}, []string{"linearizable register  1s map[]", "recovery   1s map[within:[15s]]"}},
		{checkFlags{only: []string{"earned"}}, []string{"earned   0s map[]"}},
		{checkFlags{only: []string{"linearizable", "list-append"}, isolation: "causal"}, []string{"linearizable cas-register  0s map[]", "list-append  causal 0s map[]"}},
		{checkFlags{only: []string{"recovery", "logs"}, options: []string{"within=1s", "forbid=a", "forbid=b=c"}},
			[]string{"recovery   0s map[within:[1s]]", "logs   0s map[forbid:[a b=c]]"}},
		// What no check knows is for the catalog to refuse.
		{checkFlags{only: []string{"stats"}, model: "register", isolation: "causal", options: []string{"a=b"}}, []string{"stats register causal 0s map[a:[b]]"}},
	} {
		specs, err := test.flags.apply(slices.Clone(all))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range specs {
			got = append(got, fmt.Sprintf("%s %s %s %s %v", s.Check, s.Model, s.Isolation, s.Timeout, s.Options))
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", test.flags, diff)
		}
	}
	if !cmp.Equal(all[1].Options, map[string][]string{"within": {"15s"}}) {
		t.Errorf("the scenario's own options became %v", all[1].Options)
	}
	if _, err := (checkFlags{options: []string{"within"}}).apply(all); err == nil {
		t.Error("an option without a value is accepted")
	}
}
