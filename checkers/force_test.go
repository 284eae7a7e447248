package checkers

import (
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// ms is the unit of the tests about faults.
const ms = time.Millisecond

// faultOf is a fault in force from 10 ms to 30 ms.
func faultOf(id, fault string, nodes ...string) history.FaultWindow {
	return history.FaultWindow{ID: id, Fault: fault, Nodes: nodes, Inject: 9 * ms, InForce: 10 * ms, Heal: 29 * ms, Healed: 30 * ms}
}

func with(f history.FaultWindow, change func(*history.FaultWindow)) history.FaultWindow {
	change(&f)
	return f
}

// cuts gives a fault the links cut, each written "from>to".
func cuts(pairs ...string) func(*history.FaultWindow) {
	return func(f *history.FaultWindow) {
		for _, p := range pairs {
			from, to, _ := strings.Cut(p, ">")
			f.Cuts = append(f.Cuts, [2]string{from, to})
		}
	}
}

// TestFaultSentence: a reader must learn what was done to the node that served
// the operation, by what, from when to when, and how we know.
func TestFaultSentence(t *testing.T) {
	for name, c := range map[string]struct {
		node   string
		faults []history.FaultWindow
		want   string
	}{
		"none": {"n4", nil, "No fault was in force at that moment."},
		"gone": {"n4", []history.FaultWindow{
			with(faultOf("old", "kill", "n1"), func(f *history.FaultWindow) { f.Healed = 12 * ms }),
			with(faultOf("older", "kill", "n1"), func(f *history.FaultWindow) { f.Healed = 11 * ms }),
		}, "No fault was in force at that moment; the last one, old, had been gone for 8ms."},
		"paused": {"n4", []history.FaultWindow{faultOf("p#1", "pause", "n4")},
			"At that moment p#1 was in force from 0.010s to 0.030s: n4 was paused."},
		"several targets, none the node": {"n4", []history.FaultWindow{faultOf("k#1", "kill", "n1", "n2")},
			"At that moment k#1 was in force from 0.010s to 0.030s: n1 and n2 were killed, not n4."},
		"clock, not healed, with remarks": {"n4", []history.FaultWindow{
			with(faultOf("c#1", "clock", "n4"), func(f *history.FaultWindow) {
				f.Healed, f.Says, f.Evidence = -1, "+90s", "read back +90.000s"
			})},
			"At that moment c#1 was in force from 0.010s on: the clock of n4 was changed (+90s) (read back +90.000s)."},
		"a fault that we have no word for": {"n4", []history.FaultWindow{faultOf("d#1", "disk", "n4")},
			"At that moment d#1 was in force from 0.010s to 0.030s: disk of n4."},
		"without nodes": {"n4", []history.FaultWindow{faultOf("d#1", "weather")},
			"At that moment d#1 was in force from 0.010s to 0.030s: weather, not n4."},
		"never seen to bite": {"n4", []history.FaultWindow{
			with(faultOf("p#1", "pause", "n4"), func(f *history.FaultWindow) { f.InForce = -1 })},
			"At that moment p#1 may have been in force from 0.009s to 0.030s: n4 was paused, though it was never seen to bite."},
		"cut off": {"n4", []history.FaultWindow{with(faultOf("x#1", "partition", "n1", "n2", "n4"), cuts("n4>n1", "n1>n4", "n2>n4", "n4>n2"))},
			"At that moment x#1 was in force from 0.010s to 0.030s: n4 was cut off from n1 and n2."},
		"cut inwards": {"n4", []history.FaultWindow{with(faultOf("x#1", "partition", "n1", "n4"), cuts("n1>n4"))},
			"At that moment x#1 was in force from 0.010s to 0.030s: nothing from n1 reached n4."},
		"cut outwards": {"n4", []history.FaultWindow{with(faultOf("x#1", "partition", "n1", "n4"), cuts("n4>n1"))},
			"At that moment x#1 was in force from 0.010s to 0.030s: nothing from n4 reached n1."},
		"cut inwards from one and outwards to another": {"n4", []history.FaultWindow{with(faultOf("x#1", "partition"), cuts("n4>n1", "n2>n4"))},
			"At that moment x#1 was in force from 0.010s to 0.030s: nothing from n2 reached n4, and nothing from n4 reached n1."},
		"cut elsewhere": {"n4", []history.FaultWindow{
			with(with(faultOf("x#1", "partition", "n1", "n2"), cuts("n1>n2")), func(f *history.FaultWindow) { f.Says = "one-way" })},
			"At that moment x#1 was in force from 0.010s to 0.030s: a partition that left n4 alone (one-way)."},
		"node unknown": {"", []history.FaultWindow{with(faultOf("x#1", "partition", "n1", "n2"), cuts("n1>n2"))},
			"At that moment x#1 was in force from 0.010s to 0.030s: a partition."},
		"the node's own first, and not too many": {"n4", []history.FaultWindow{
			faultOf("k#1", "kill", "n1"), faultOf("k#2", "kill", "n2"), faultOf("p#1", "pause", "n4"), faultOf("k#3", "kill", "n3")},
			"At that moment p#1 was in force from 0.010s to 0.030s: n4 was paused; " +
				"k#1 was in force from 0.010s to 0.030s: n1 was killed, not n4; also k#2 and k#3."},
	} {
		t.Run(name, func(t *testing.T) {
			o := history.Operation{
				Invoke:   &history.Op{Node: c.node, Time: 20 * ms},
				Complete: &history.Op{Node: c.node, Time: 21 * ms, Type: history.OK},
			}
			if got := FaultSentence(o, c.faults); got != c.want {
				t.Errorf("\ngot  %s\nwant %s", got, c.want)
			}
		})
	}
}
