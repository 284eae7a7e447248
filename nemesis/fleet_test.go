package nemesis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A fleet is a bench whose nodes can be made anew, and come and go.
type fleet struct {
	*bench
	members  []string
	version  map[string]string
	started  map[string]int
	sick     string // never healthy again after its turn
	stubborn string // is not made anew by Renew and Restart
	refusals int    // how often a change of members is refused first
}

func newFleet() *fleet {
	return &fleet{bench: &bench{answer: obliging, leader: "n3"}, members: names(5), version: map[string]string{}, started: map[string]int{}}
}

func (f *fleet) note(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, fmt.Sprintf(format, args...))
}

func (f *fleet) Stop(_ context.Context, n string) error {
	f.note("stop %s", n)
	return nil
}

func (f *fleet) Restart(_ context.Context, n string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stubborn != n {
		f.started[n]++
	}
	return nil
}

func (f *fleet) Renew(_ context.Context, n string, r Renewal) error {
	f.note("renew %s %s%v%v of %s", n, r.Version, r.Fresh, r.Joins, strings.Join(r.Members, " "))
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stubborn != n {
		f.version[n] = r.Version
		f.started[n]++
	}
	return nil
}

func (f *fleet) Healthy(ctx context.Context, n string) error {
	f.note("healthy %s", n)
	if f.sick == n {
		<-ctx.Done()
		return errors.New("sick")
	}
	return nil
}

func (f *fleet) Running(_ context.Context, n string) (Running, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return Running{f.version[n], fmt.Sprint("process ", f.started[n])}, nil
}

func (f *fleet) Members(context.Context, []string) ([]string, error) {
	return slices.Clone(f.members), nil
}

func (f *fleet) RemoveMember(_ context.Context, n string) error {
	if f.refusals--; f.refusals >= 0 {
		return errors.New("not yet")
	}
	f.note("remove %s", n)
	f.members = without(f.members, []string{n})
	return nil
}

func (f *fleet) AddMember(_ context.Context, n string) error {
	f.note("add %s", n)
	f.members = append(f.members, n)
	return nil
}

func (f *fleet) JoinMember(_ context.Context, n string) error {
	f.note("join %s", n)
	return nil
}

// sail carries out one injection in virtual time.
func (f *fleet) sail(t *testing.T, in Injection) (asked, events string) {
	t.Helper()
	synctest.Test(t, func(*testing.T) { _ = f.runOn(context.Background(), f, in) }) // a heal that fails is in the events too
	return strings.Join(f.asked, ", "), strings.Join(f.events, "\n")
}

func rollingOf(version string, nodes ...string) Injection {
	return Injection{ID: "storm/rolling#1", Fault: FaultRolling, Nodes: nodes, For: 10 * time.Second,
		Rolling: &Rolling{Version: version, Within: 3 * time.Second}}
}

// TestRollingTakesTurns would find a second node that is stopped before the
// first one is healthy.
func TestRollingTakesTurns(t *testing.T) {
	asked, events := newFleet().sail(t, rollingOf("", "n1", "n2"))
	if !strings.HasPrefix(asked, "stop n1, healthy n1, stop n2, healthy n2") || strings.Count(events, "in-force") != 2 {
		t.Errorf("%s\n%s", asked, events)
	}
	f := newFleet()
	asked, events = f.sail(t, rollingOf("2", "n1", "n2"))
	if !strings.HasPrefix(asked, "renew n1 2falsefalse of , healthy n1, renew n2") || f.version["n2"] != "2" || strings.Contains(events, "failed") {
		t.Errorf("%s\n%s", asked, events)
	}
}

func TestRollingThatGoesWrong(t *testing.T) {
	sick := newFleet()
	sick.sick = "n1"
	asked, events := sick.sail(t, rollingOf("", "n1", "n2"))
	if strings.Contains(asked, "stop n2") || !strings.Contains(events, "no other has one") || strings.Contains(events, "in-force") {
		t.Errorf("a sick node: %s\n%s", asked, events)
	}
	for version, want := range map[string]string{"": "was not started again", "2": "not 2"} {
		stubborn := newFleet()
		stubborn.stubborn, stubborn.version["n1"] = "n1", "1"
		if _, events := stubborn.sail(t, rollingOf(version, "n1")); !strings.Contains(events, want) || strings.Contains(events, "in-force") {
			t.Errorf("a node that is not made anew: %s", events)
		}
	}
	late := newFleet()
	late.sick = "n2"
	in := rollingOf("", "n1", "n2", "n3")
	in.For = time.Second
	if asked, events := late.sail(t, in); strings.Contains(asked, "stop n3") || !strings.Contains(events, "failed") {
		t.Errorf("a turn that never came: %s\n%s", asked, events)
	}
}

// TestMembersComeBackOneByOne would find a node that joins without knowing who
// else is a member, or with its old data.
func TestMembersComeBackOneByOne(t *testing.T) {
	f := newFleet()
	f.refusals = 3
	in := Injection{ID: "storm/membership#1", Fault: FaultMembership, Nodes: []string{"n1", "n2"}, For: 10 * time.Second}
	asked, events := f.sail(t, in)
	want := "remove n1, stop n1, remove n2, stop n2, " +
		"add n1, renew n1 truetrue of n1 n3 n4 n5, join n1, healthy n1, add n2, renew n2 truetrue of n1 n2 n3 n4 n5, join n2, healthy n2"
	if asked != want || !strings.Contains(events, "in-force") || !strings.Contains(events, "healed") {
		t.Errorf("got  %s\nwant %s\n%s", asked, want, events)
	}
}

// TestQuorumOfMembersStays: also when others have left before.
func TestQuorumOfMembersStays(t *testing.T) {
	for _, c := range []struct{ members, remove []string }{
		{names(5), []string{"n1", "n2", "n3"}},
		{[]string{"n1", "n2", "n3"}, []string{"n1"}},
	} {
		f := newFleet()
		f.members = c.members
		in := Injection{ID: "storm/membership#1", Fault: FaultMembership, Nodes: c.remove, For: 10 * time.Second}
		asked, events := f.sail(t, in)
		if strings.Contains(asked, "remove") || !strings.Contains(events, "fewer than a quorum") || strings.Contains(events, "in-force") {
			t.Errorf("%v of %v: %s\n%s", c.remove, c.members, asked, events)
		}
	}
}

// TestKindsThatNeedMore fail where the cluster cannot do it, and say so.
func TestKindsThatNeedMore(t *testing.T) {
	for _, in := range []Injection{rollingOf("", "n1"),
		{ID: "storm/membership#1", Fault: FaultMembership, Nodes: []string{"n1"}, For: time.Second}} {
		b := &bench{answer: obliging}
		synctest.Test(t, func(*testing.T) { _ = b.run(context.Background(), in) })
		if events := strings.Join(b.events, "\n"); !strings.Contains(events, "this kind of cluster") || strings.Contains(events, "in-force") {
			t.Errorf("%s: %s", in.Fault, events)
		}
	}
}
