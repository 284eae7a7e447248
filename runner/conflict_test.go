package runner

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// parsed is a scenario of five nodes with these faults.
func parsed(t testing.TB, faults ...string) *scenarios.Scenario {
	t.Helper()
	src := "version: 1\nname: x\nsystem: {image: x, data: /d, ports: {client: 80}}\n" +
		"client: {use: etcd}\nworkload: {rate: 1/s}\nphases:\n  - name: storm\n    for: 60s\n    faults:\n"
	for _, f := range faults {
		src += "      - {" + f + "}\n"
	}
	s, err := scenarios.Parse("x.yaml", []byte(src), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const (
	killN2   = "fault: kill, target: n2, at: 10s, for: 5s"
	pauseN2  = "fault: pause, target: n2, at: 12s, for: 5s"
	pauseAny = "fault: pause, target: one, at: 12s, for: 5s"
)

// What must not meet is refused at its place, with a way out; what may, is not.
func TestPlansThatBreakTheMatrixAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		faults []string
		want   string // empty: it is a good plan
	}{
		"kill and pause": {[]string{killN2, pauseN2},
			"x.yaml:11:9: phases[0].faults[1]: storm/kill#1 and storm/pause#1 meet on n2 at 00:12.0: a node that is down cannot be paused, and the heal of the one would start what the other has stopped; target other nodes, or move it by 4s"},
		"one after the other":       {[]string{killN2, "fault: pause, target: n2, at: 15s, for: 5s"}, ""},
		"on other nodes":            {[]string{killN2, "fault: pause, target: n3, at: 12s, for: 5s"}, ""},
		"random targets keep away":  {[]string{killN2, pauseAny, pauseAny, pauseAny, pauseAny}, ""},
		"until there is no room":    {[]string{killN2, pauseAny, pauseAny, pauseAny, pauseAny, pauseAny}, "meet on"},
		"no room at all":            {[]string{"fault: kill, target: all, at: 1s, for: 50s", pauseAny}, "meet on"},
		"a role is not known":       {[]string{killN2, "fault: pause, target: leader, at: 12s, for: 5s"}, ""},
		"the same as":               {[]string{killN2, "fault: pause, target: same as kill, at: 12s, for: 5s"}, "meet on n2"},
		"links meet all":            {[]string{killN2, "fault: partition, shape: one, target: n2, at: 10s, for: 5s", "fault: latency, delay: 5ms, target: n2, at: 10s, for: 5s"}, ""},
		"a clock, if asked":         {[]string{killN2, "fault: clock, skew: 1s, target: n2, at: 12s, for: 5s"}, ""},
		"two clocks":                {[]string{"fault: clock, skew: 1h, target: all, at: 12s, for: 5s", "fault: clock, skew: 1s, target: n2, at: 12s, for: 5s"}, "one clock"},
		"a power failure is a kill": {[]string{"fault: disk, kind: power-failure, target: n2, at: 10s, for: 5s", pauseN2}, "meet on n2"},
		"two faults of a disk":      {[]string{"fault: disk, kind: eio, target: n2, at: 10s, for: 5s", "fault: disk, kind: slow, takes: 5ms, target: n2, at: 10s, for: 5s"}, ""},
		"a disk and a pause":        {[]string{"fault: disk, kind: eio, target: n2, at: 10s, for: 5s", pauseN2}, "makes no calls"},
		"with a trigger":            {[]string{killN2, "fault: pause, target: n2, after: {ops: 5}, for: 5s"}, "it may come at any time"},
		"again and again, told once": {[]string{"fault: kill, target: n2, every: 10s, for: 5s", "fault: pause, target: n2, every: 10s, for: 5s"},
			"storm/kill#1 and storm/pause#1"},
		"weights that fit":     {[]string{"fault: kill, target: majority, at: 10s, for: 5s", "fault: pause, target: {majority: 50, minority: 1}, at: 10s, for: 5s"}, ""},
		"weights that do not":  {[]string{"fault: kill, target: majority, at: 10s, for: 5s", "fault: pause, target: {majority: 50, all: 1}, at: 10s, for: 5s"}, "meet on"},
		"what comes too early": {[]string{"fault: clock, skew: 1s, target: same as kill, at: 1s, for: 5s", killN2}, "x.yaml:10:9: phases[0].faults[0]: fault storm/clock#1: its target is what storm/kill hit, which comes only later"},
	} {
		for seed := range uint64(20) {
			_, err := Compile(parsed(t, tt.faults...), seed)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("%s, seed %d: got %v\nwant %s", name, seed, err, tt.want)
			}
			var d scenarios.Diagnostics
			if err != nil && (!errors.As(err, &d) || len(d) == 0 || name == "again and again, told once" && len(d) != 1) {
				t.Errorf("%s: %d findings", name, len(d))
			}
		}
	}
}

// The longest plan is looked through without comparing each with each.
func TestMeetingsOfALongPlan(t *testing.T) {
	p := &Plan{Scenario: &scenarios.Scenario{}}
	for i := range 100_000 {
		p.Faults = append(p.Faults, nemesis.Injection{ID: "s/k#1", Fault: "kill", Nodes: []string{"n1"}, At: time.Duration(i) * time.Second, For: time.Second})
	}
	if err := p.checkMeetings(); err != nil {
		t.Error(err)
	}
}
