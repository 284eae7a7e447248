package hostclock

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A machine is a kernel that is not there: this machine's clock is never
// touched by a test.
type machine struct {
	real, since time.Duration
	boot        string
	running     map[string]bool
	deaf        string // a program that cannot be halted
	stuck       bool   // the clock cannot be set
	meddler     time.Duration
	did         []string
}

func newMachine() *machine {
	return &machine{real: 1e18, since: 1e12, boot: "first", running: map[string]bool{"chronyd": true}}
}

func (m *machine) pass(d time.Duration) { m.real, m.since = m.real+d, m.since+d }

func (m *machine) Now() (time.Duration, time.Duration, error) { return m.real, m.since, nil }
func (m *machine) Boot() (string, error)                      { return m.boot, nil }

func (m *machine) Step(by time.Duration) error {
	if m.stuck {
		return errors.New("operation not permitted")
	}
	m.real += by + m.meddler
	m.did = append(m.did, "step")
	return nil
}

func (m *machine) Keepers() ([]Program, error) {
	var all []Program
	for name := range m.running {
		all = append(all, Program{Name: name, Pid: 7, Born: "1"})
	}
	return all, nil
}

func (m *machine) Halt(p Program) error {
	if p.Name == m.deaf {
		return errors.New("it does not listen")
	}
	m.running[p.Name] = false
	m.did = append(m.did, "halt")
	return nil
}

func (m *machine) Resume(p Program) error {
	m.running[p.Name] = true
	m.did = append(m.did, "resume")
	return nil
}

func keeper(t testing.TB, m *machine) (*Keeper, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "clock.json")
	return New(m, file), file
}

func gone(t testing.TB, file string) {
	t.Helper()
	if _, err := os.Stat(file); err == nil {
		t.Error("the file is still there")
	}
}

// The time that passes while the clock is wrong is not lost: it is right again
// to the nanosecond, and who keeps it goes on.
func TestWrongAndRightAgain(t *testing.T) {
	m := newMachine()
	k, file := keeper(t, m)
	right := func() time.Duration { return 1e18 + m.since - 1e12 }
	if err := k.Set(90 * time.Second); err != nil {
		t.Fatal(err)
	}
	if off := m.real - right(); off != 90*time.Second || m.running["chronyd"] {
		t.Errorf("off by %v; chronyd runs: %v", off, m.running["chronyd"])
	}
	m.pass(time.Hour)
	if err := k.Set(-time.Minute); err != nil { // a jump: from the truth, not from where it was
		t.Fatal(err)
	}
	if off, err := k.Off(); off != -time.Minute || err != nil {
		t.Errorf("off by %v, %v", off, err)
	}
	m.pass(time.Hour)
	for range 2 { // twice is no error
		if err := k.Restore(); err != nil {
			t.Fatal(err)
		}
	}
	if m.real != right() || !m.running["chronyd"] || k.Wrong() {
		t.Errorf("it is off by %v; chronyd runs: %v", m.real-right(), m.running["chronyd"])
	}
	gone(t, file)
	if want := []string{"halt", "step", "step", "step", "resume"}; !slices.Equal(m.did, want) {
		t.Errorf("did %v, want %v", m.did, want)
	}
}

// An agent that was killed leaves the clock wrong; the next one finds out how
// to set it right.
func TestTheNextOneSetsItRight(t *testing.T) {
	m := newMachine()
	k, file := keeper(t, m)
	if err := k.Set(time.Hour); err != nil {
		t.Fatal(err)
	}
	m.pass(10 * time.Minute)
	next := New(m, file)
	if err := next.Set(time.Minute); err == nil || !strings.Contains(err.Error(), "left wrong") {
		t.Errorf("a wrong clock was taken for right: %v", err)
	}
	if found, err := next.Recover(); !found || err != nil {
		t.Fatal(found, err)
	}
	if off := m.real - 1e18 - (m.since - 1e12); off != 0 || !m.running["chronyd"] {
		t.Errorf("off by %v; chronyd runs: %v", off, m.running["chronyd"])
	}
	gone(t, file)
	if found, err := next.Recover(); found || err != nil {
		t.Errorf("found again: %v, %v", found, err)
	}
}

// A machine that was started anew has its time from elsewhere.
func TestAfterAReboot(t *testing.T) {
	m := newMachine()
	k, file := keeper(t, m)
	if err := k.Set(time.Hour); err != nil {
		t.Fatal(err)
	}
	m.boot, m.since, m.real = "second", 0, 2e18
	if found, err := New(m, file).Recover(); !found || err != nil {
		t.Fatal(found, err)
	}
	if m.real != 2e18 {
		t.Errorf("the clock was set to %v", m.real)
	}
	gone(t, file)
}

func TestNothingIsDoneByHalves(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(*machine)
		wants string
	}{
		"a program that cannot be halted": {func(m *machine) { m.deaf = "chronyd" }, "halt chronyd"},
		"a clock that cannot be set":      {func(m *machine) { m.stuck = true }, "not permitted"},
		"a clock that somebody else sets": {func(m *machine) { m.meddler = time.Minute }, "somebody else sets it"},
	} {
		m := newMachine()
		test.spoil(m)
		k, _ := keeper(t, m)
		err := k.Set(time.Hour)
		if err == nil || !strings.Contains(err.Error(), test.wants) {
			t.Errorf("%s: %v", name, err)
		}
		if !m.running["chronyd"] {
			t.Errorf("%s: chronyd stands still", name)
		}
	}
	k := New(newMachine(), filepath.Join(t.TempDir(), "no", "such", "folder"))
	if err := k.Set(time.Hour); err == nil || k.Wrong() {
		t.Errorf("what cannot be noted was done: %v", err)
	}
}

// Whatever is done in whatever order, in the end the clock shows what it would
// have shown.
func TestRightInTheEnd(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newMachine()
		file := filepath.Join(os.TempDir(), fmt.Sprintf("shakedown-clock-test-%d", os.Getpid()))
		defer os.Remove(file)
		k := New(m, file)
		for range rapid.IntRange(0, 8).Draw(rt, "steps") {
			switch rapid.IntRange(0, 3).Draw(rt, "what") {
			case 0:
				_ = k.Set(time.Duration(rapid.Int64Range(-1e15, 1e15).Draw(rt, "offset")))
			case 1:
				m.pass(time.Duration(rapid.Int64Range(0, 1e13).Draw(rt, "passes")))
			case 2:
				_ = k.Restore()
			case 3:
				k = New(m, file)
				if _, err := k.Recover(); err != nil {
					rt.Fatal(err)
				}
			}
		}
		if err := k.Restore(); err != nil {
			rt.Fatal(err)
		}
		if off := m.real - 1e18 - (m.since - 1e12); off != 0 || !m.running["chronyd"] {
			rt.Fatalf("off by %v; chronyd runs: %v", off, m.running["chronyd"])
		}
	})
}
