package progress

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/runner"
)

// The files under testdata/board read like a run. Times are the run's own,
// which here begins with the first phase at 10s of the caller's clock:
//
//	event kind=phase at=5s
//	storm
//	step fault=kill id=storm/kill#1 stage=in-force nodes=(n1,n2) at=7s
//	evidence or error
//	read ok=100 rate=50 p99=20ms leader=n1
//	show at=7s [width=60]
func TestBoard(t *testing.T) {
	datadriven.Walk(t, "testdata/board", func(t *testing.T, path string) {
		b := NewBoard(sampleRun(), 0)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			at := timeArg(t, d, "at")
			switch d.Cmd {
			case "event":
				e := runner.Event{At: at, Text: d.Input}
				d.ScanArgs(t, "kind", &e.Kind)
				b.Event(e, at+axis)
			case "step":
				e := runner.Event{At: at, Kind: "fault", Text: "-", Fault: stepArg(t, d)}
				b.Event(e, at+axis)
			case "read":
				b.Reading(readingArg(t, d))
			case "show":
				return picture(t, b, d, at)
			default:
				d.Fatalf(t, "there is no %s", d.Cmd)
			}
			return ""
		})
	})
}

// axis is when the first phase begins by the caller's clock.
const axis = 10 * time.Second

func sampleRun() Run {
	return Run{
		ID: "20261122T101502Z-7f3a91", Scenario: "etcd-storm", System: "etcd 3.5.21", Seed: 42, Nodes: []string{"n1", "n2", "n3"},
		Phases: []runner.PlannedPhase{{Name: "calm", For: 5 * time.Second}, {Name: "storm", At: 5 * time.Second, For: time.Minute}},
		Faults: []nemesis.Injection{
			{ID: "storm/kill#1", Fault: "kill", Target: "one", Nodes: []string{"n2"}, At: 7 * time.Second, For: 4 * time.Second},
			{ID: "storm/pause#1", Fault: "pause", Target: "leader", At: 20 * time.Second, For: 3 * time.Second},
		},
	}
}

func timeArg(t *testing.T, d *datadriven.TestData, name string) time.Duration {
	if !d.HasArg(name) {
		return 0
	}
	var text string
	d.ScanArgs(t, name, &text)
	out, err := time.ParseDuration(text)
	if err != nil {
		d.Fatalf(t, "%s: %v", name, err)
	}
	return out
}

func stepArg(t *testing.T, d *datadriven.TestData) *runner.FaultStep {
	var stage string
	step := &runner.FaultStep{}
	d.ScanArgs(t, "fault", &step.Fault)
	d.ScanArgs(t, "id", &step.ID)
	d.ScanArgs(t, "stage", &stage)
	step.Stage = history.Stage(stage)
	for _, a := range d.CmdArgs {
		if a.Key == "nodes" {
			step.Nodes = a.Vals
		}
	}
	d.MaybeScanArgs(t, "role", &step.Role)
	if step.Stage == history.StageFailed {
		step.Error = d.Input
	} else {
		step.Evidence = d.Input
	}
	return step
}

func readingArg(t *testing.T, d *datadriven.TestData) (r runner.Reading) {
	d.MaybeScanArgs(t, "ok", &r.OK)
	d.MaybeScanArgs(t, "fail", &r.Fail)
	d.MaybeScanArgs(t, "unknown", &r.Unknown)
	d.MaybeScanArgs(t, "shed", &r.Shed)
	d.MaybeScanArgs(t, "leader", &r.Leader)
	var rate int64
	d.MaybeScanArgs(t, "rate", &rate)
	r.Rate, r.P50, r.P99 = float64(rate), timeArg(t, d, "p50"), timeArg(t, d, "p99")
	return r
}

// picture also holds every picture to what must hold of each.
func picture(t *testing.T, b *Board, d *datadriven.TestData, at time.Duration) string {
	lines := b.Lines(at+axis, false)
	if len(lines) > MaxLines {
		t.Errorf("%s: %d lines, and %d is the limit", d.Pos, len(lines), MaxLines)
	}
	coloured := b.Lines(at+axis, true)
	wide := 200
	d.MaybeScanArgs(t, "width", &wide)
	var out strings.Builder
	for i, l := range lines {
		if lengthOf(coloured[i]) != lengthOf(l) {
			t.Errorf("%s: colours change the length of %q", d.Pos, l)
		}
		fmt.Fprintln(&out, fit(l, wide))
	}
	return out.String()
}
