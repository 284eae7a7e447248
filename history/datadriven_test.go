package history_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/shakedown-dev/shakedown/history"
)

// Without this test nothing would say, in a form that one can read aloud, how
// events become operations, fault windows and phases. Run with -rewrite after
// a change, and read the difference.
func TestTinyHistories(t *testing.T) {
	commands := map[string]func(*history.History) string{
		"validate":     describeValidity,
		"operations":   describeOperations,
		"faults":       describeFaults,
		"phases":       describePhases,
		"announcement": describeAnnouncement,
		"describe":     (*history.History).String,
	}
	datadriven.Walk(t, "testdata/tiny", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			ops, err := parseTiny(d.Input)
			if err != nil {
				d.Fatalf(t, "%v", err)
			}
			command, ok := commands[d.Cmd]
			if !ok {
				d.Fatalf(t, "unknown command %q", d.Cmd)
			}
			h := history.New(ops)
			h.Truncated = d.HasArg("truncated")
			return command(h)
		})
	})
}

func describeValidity(h *history.History) string {
	if err := h.Validate(); err != nil {
		return err.Error() + "\n"
	}
	return "ok\n"
}

func describeOperations(h *history.History) string {
	var s strings.Builder
	for _, o := range h.Operations() {
		end := o.End().String()
		if o.End() == math.MaxInt64 {
			end = "∞"
		}
		complete := "-"
		if o.Complete != nil {
			complete = fmt.Sprint(o.Complete.Index)
		}
		fmt.Fprintf(&s, "events %d,%s  p%d %s %s(%s)=%s  [%v, %s]\n", o.Invoke.Index, complete,
			o.Invoke.Process, o.Type(), o.Invoke.F, o.Invoke.Key, o.Value(), o.Start(), end)
	}
	return s.String()
}

func describeFaults(h *history.History) string {
	var s strings.Builder
	for _, f := range h.Faults() {
		fmt.Fprintf(&s, "%s %s on %v %s cuts=%v events=%v\n", f.Fault, f.ID, f.Nodes, f.Role, f.Cuts, f.Events)
		fmt.Fprintf(&s, "  inject=%s in-force=%s heal=%s healed=%s took-hold=%t\n",
			moment(f.Inject), moment(f.InForce), moment(f.Heal), moment(f.Healed), f.TookHold())
		fmt.Fprintf(&s, "  says=%q evidence=%q error=%q\n", f.Says, f.Evidence, f.Error)
		s.WriteString("  covers:")
		for at := time.Duration(0); at <= 10*time.Second; at += time.Second {
			if f.Covers(at, at) {
				fmt.Fprintf(&s, " %v", at)
			}
		}
		s.WriteString("\n")
	}
	return s.String()
}

func moment(at time.Duration) string {
	if at == -1 {
		return "never"
	}
	return at.String()
}

func describePhases(h *history.History) string {
	var s strings.Builder
	for _, p := range h.Phases() {
		fmt.Fprintf(&s, "%s [%v, %v)\n", p.Name, p.From, p.To)
	}
	fmt.Fprintf(&s, "ended=%t\n", h.Ended())
	return s.String()
}

func describeAnnouncement(h *history.History) string {
	a, ok := h.Announcement()
	return fmt.Sprintf("%t %+v\n", ok, a)
}
