package invariant

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// A system is a small correct server: ask makes up what a client wants next,
// and serve does it, at once and alone, so that all histories are valid.
type system struct {
	ask   func(rng *rand.Rand, client int) history.Op
	serve func(client int, o *history.Op) // sets Type and Value
	// spoil plants a fault in a completed operation, and returns the index of the
	// event that must be found; 0 if it cannot.
	spoil func(h *history.History, invoke, complete *history.Op) int
}

func value(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return text
}

func systems() map[string]system {
	return map[string]system{
		"monotonic-register":   versions(),
		"lock-fencing":         fencing(),
		"lease":                leases(),
		"queue-redelivery":     messages(),
		"queue-drained":        drained(),
		"idempotent-payment":   payments(),
		"one-leader-per-term":  elections(),
		"reconciler-converges": reconciler(),
	}
}

func keyOf(rng *rand.Rand) string { return "k" + strconv.Itoa(rng.IntN(8)) }

func versions() system {
	at := map[string]int{}
	return system{
		ask: func(rng *rand.Rand, _ int) history.Op {
			return history.Op{F: []string{"read", "bump"}[rng.IntN(2)], Key: keyOf(rng)}
		},
		serve: func(_ int, o *history.Op) {
			if o.F == "bump" {
				at[o.Key]++
			}
			o.Value = value(at[o.Key])
		},
		spoil: func(_ *history.History, _, c *history.Op) int {
			if c.F != "read" || c.Type != history.OK {
				return 0
			}
			c.Value = value(0)
			return c.Index
		},
	}
}

func fencing() system {
	given, written, mine := map[string]int{}, map[string]int{}, map[string]int{}
	return system{
		ask: func(rng *rand.Rand, client int) history.Op {
			o := history.Op{F: "write", Key: keyOf(rng)}
			token := mine[fmt.Sprint(client, o.Key)]
			if token == 0 || rng.IntN(4) == 0 {
				o.F = "acquire"
				return o
			}
			o.Value = value(token)
			return o
		},
		serve: func(client int, o *history.Op) {
			if o.F == "acquire" {
				given[o.Key]++
				o.Value = value(given[o.Key])
				mine[fmt.Sprint(client, o.Key)] = given[o.Key]
				return
			}
			token := number64(o.Value)
			if token < written[o.Key] {
				o.Type = history.Fail
				return
			}
			written[o.Key] = token
		},
		spoil: func(h *history.History, _, c *history.Op) int {
			if c.F != "write" || c.Type != history.Fail {
				return 0
			}
			for _, o := range h.Ops[:c.Index-100] { // long past, a later token had been used
				if o.F == "write" && o.Key == c.Key && o.Type == history.OK && number64(o.Value) > number64(c.Value) {
					c.Type = history.OK
					return c.Index
				}
			}
			return 0
		},
	}
}

func leases() system {
	holder := map[string]int{}
	return system{
		ask: func(rng *rand.Rand, client int) history.Op {
			o := history.Op{F: "acquire", Key: keyOf(rng), Value: value(1000)}
			for key, by := range holder {
				if by == client+1 {
					return history.Op{F: "release", Key: key}
				}
			}
			return o
		},
		serve: func(client int, o *history.Op) {
			switch {
			case o.F == "release":
				delete(holder, o.Key)
			case holder[o.Key] != 0:
				o.Type = history.Fail
			default:
				holder[o.Key] = client + 1
			}
		},
		spoil: func(_ *history.History, _, c *history.Op) int {
			if c.F != "acquire" || c.Type != history.Fail {
				return 0
			}
			c.Type = history.OK
			return c.Index
		},
	}
}

func messages() system {
	queue, next := map[string][]int{}, 0
	return system{
		ask: func(rng *rand.Rand, _ int) history.Op {
			o := history.Op{F: []string{"enqueue", "dequeue", "ack"}[rng.IntN(3)], Key: keyOf(rng)}
			q := queue[o.Key]
			switch {
			case o.F == "ack" && len(q) > 0:
				o.Value = value(q[0])
			case o.F == "ack", o.F == "enqueue":
				next++
				o.F, o.Value = "enqueue", value(next)
			}
			return o
		},
		serve: func(_ int, o *history.Op) {
			q := queue[o.Key]
			switch o.F {
			case "enqueue":
				queue[o.Key] = append(q, number64(o.Value))
			case "ack":
				queue[o.Key] = slices.DeleteFunc(q, func(m int) bool { return m == number64(o.Value) })
			case "dequeue":
				if len(q) > 0 {
					o.Value = value(q[0])
				}
			}
		},
		spoil: func(h *history.History, _, c *history.Op) int {
			if c.F != "dequeue" || c.Type != history.OK {
				return 0
			}
			enqueued := map[string]bool{}           // for sure: of others nobody knows that they were before their ack
			for _, o := range h.Ops[:c.Index-100] { // acknowledged long ago
				if o.F == "enqueue" && o.Type == history.OK {
					enqueued[string(o.Value)] = true
				}
				if o.F == "ack" && o.Key == c.Key && o.Type == history.OK && enqueued[string(o.Value)] {
					c.Value = o.Value
					return c.Index
				}
			}
			return 0
		},
	}
}

// drained is a queue whose messages are all acknowledged; its fault is that one
// ack never was.
func drained() system {
	queue, next := []int{}, 0
	return system{
		ask: func(rng *rand.Rand, _ int) history.Op {
			if len(queue) == 0 || len(queue) < 20 && rng.IntN(2) == 0 {
				next++
				return history.Op{F: "enqueue", Value: value(next)}
			}
			first := queue[0]
			queue = queue[1:]
			return history.Op{F: "ack", Value: value(first)}
		},
		serve: func(_ int, o *history.Op) {
			if o.F == "enqueue" {
				queue = append(queue, number64(o.Value))
			}
		},
		spoil: func(h *history.History, i, c *history.Op) int {
			if i.F != "ack" || c.Type != history.OK {
				return 0
			}
			lost := string(i.Value)
			i.F, c.F = "nothing", "nothing"
			for n := range h.Ops {
				if o := &h.Ops[n]; o.F == "enqueue" && o.Type == history.OK && string(o.Value) == lost {
					return n
				}
			}
			return 0
		},
	}
}

func payments() system {
	paid := map[string]bool{}
	return system{
		ask: func(rng *rand.Rand, _ int) history.Op {
			o := history.Op{F: []string{"pay", "charges"}[rng.IntN(2)], Key: fmt.Sprint("order", rng.IntN(5000))}
			if o.F == "pay" {
				o.Value = value(100)
			}
			return o
		},
		serve: func(_ int, o *history.Op) {
			switch {
			case o.F == "pay":
				paid[o.Key] = true
				o.Value = value("receipt of " + o.Key)
			case paid[o.Key]:
				o.Value = value(1)
			default:
				o.Value = value(0)
			}
		},
		spoil: func(_ *history.History, _, c *history.Op) int {
			if c.F != "charges" || c.Type != history.OK {
				return 0
			}
			c.Value = value(2)
			return c.Index
		},
	}
}

func elections() system {
	term := 1
	return system{
		ask: func(rng *rand.Rand, _ int) history.Op { return history.Op{F: "leader"} },
		serve: func(client int, o *history.Op) {
			if client == 3 {
				term++
			}
			o.Value = value(map[string]any{"term": term / 9, "leader": fmt.Sprint("n", term/9%5)})
		},
		spoil: func(_ *history.History, _, c *history.Op) int {
			var was struct{ Term int }
			if c.Type != history.OK || json.Unmarshal(c.Value, &was) != nil {
				return 0
			}
			c.Value = value(map[string]any{"term": was.Term, "leader": "n9"})
			return c.Index
		},
	}
}

// reconciler is well at all times; its fault is that it is not, for good.
func reconciler() system {
	return system{
		ask: func(*rand.Rand, int) history.Op { return history.Op{F: "observe", Key: "app"} },
		serve: func(_ int, o *history.Op) {
			o.Value = value(map[string]any{"desired": 3, "actual": 3})
		},
		spoil: func(h *history.History, _, _ *history.Op) int {
			last, deadline := 0, time.Duration(0)
			for i := range h.Ops {
				switch o := &h.Ops[i]; {
				case strings.Contains(string(o.Value), "healed"):
					deadline = o.Time + 30*time.Second
				case deadline > 0 && o.F == "observe" && o.Type == history.OK:
					o.Value = value(map[string]any{"desired": 3, "actual": 2})
					if o.Time <= deadline {
						last = i
					}
				}
			}
			return last
		},
	}
}

// simulate makes a history of about n operations by 10 clients, 100 s long. One
// completion in 20 is lost.
func simulate(s system, n int, seed uint64) *history.History {
	const clients = 10
	rng := rand.New(rand.NewPCG(seed, 2))
	var ops []history.Op
	add := func(o history.Op) {
		o.Index, o.Time = len(ops), time.Duration(len(ops))*(100*time.Second)/time.Duration(2*n+4)
		ops = append(ops, o)
	}
	add(history.Op{Process: history.Nemesis, Type: history.Info, F: "plan", Value: value(history.Announcement{Scenario: "simulated", Clients: clients})})
	state := make([]int, clients) // 0 idle, 1 asked, 2 served
	open := make([]history.Op, clients)
	process := make([]int, clients)
	for c := range process {
		process[c] = c
	}
	healed := false
	for len(ops) < 2*n {
		if at := len(ops) * 100 / (2 * n); at == 10 && !healed {
			healed = true
			for _, stage := range []history.Stage{history.StageInject, history.StageInForce} {
				add(history.Op{Process: history.Nemesis, Type: history.Info, F: "kill", Value: value(history.FaultEvent{ID: "k", Stage: stage, Nodes: []string{"n1"}})})
			}
		} else if at == 20 && healed {
			healed = false
			add(history.Op{Process: history.Nemesis, Type: history.Info, F: "kill", Value: value(history.FaultEvent{ID: "k", Stage: history.StageHealed})})
			n++ // past the twentieth part
		}
		c := rng.IntN(clients)
		switch state[c] {
		case 0:
			open[c] = s.ask(rng, c)
			open[c].Process = process[c]
			add(open[c])
		case 1:
			open[c].Type = history.OK
			s.serve(c, &open[c])
		case 2:
			if rng.IntN(20) == 0 && open[c].F != "release" {
				open[c].Type, open[c].Value = history.Info, nil
				process[c] += clients
			}
			add(open[c])
		}
		state[c] = (state[c] + 1) % 3
	}
	return history.New(drain(ops))
}

// drain ends a history of a queue: what is still open is acknowledged, and then
// the queue is empty.
func drain(ops []history.Op) []history.Op {
	acked, taken := map[string]bool{}, []history.Op{}
	for _, o := range ops {
		acked[string(o.Value)] = acked[string(o.Value)] || o.F == "ack" && o.Type == history.Invoke
		if o.F == "enqueue" && o.Type == history.OK {
			taken = append(taken, o)
		}
	}
	add := func(o history.Op) {
		o.Process, o.Index, o.Time = 1_000_000, len(ops), ops[len(ops)-1].Time
		ops = append(ops, o)
		o.Type, o.Index = history.OK, len(ops)
		ops = append(ops, o)
	}
	if len(taken) == 0 || taken[0].Key != "" {
		return ops
	}
	for _, o := range taken {
		if !acked[string(o.Value)] {
			add(history.Op{F: "ack", Value: o.Value})
		}
	}
	last := ops[len(ops)-1]
	add(history.Op{F: "dequeue", Final: true})
	for i := range 2 {
		ops[len(ops)-1-i].Time = last.Time + time.Millisecond
	}
	return ops
}

var million = flag.Bool("million", false, "plant faults in histories of 100 000 and of 1 000 000 operations as well")

// TestMutation: every rule that comes with us lets pass what a correct system
// did, and finds one fault planted in it, with the planted operation in its
// evidence.
func TestMutation(t *testing.T) {
	sizes := []int{1000, 50_000}
	if *million {
		sizes = append(sizes, 100_000, 1_000_000)
	}
	for _, name := range Bundled() {
		for _, n := range sizes {
			t.Run(fmt.Sprintf("%s/%d", name, n), func(t *testing.T) {
				h := simulate(systems()[name], n, 7)
				if err := h.Validate(); err != nil {
					t.Fatal(err)
				}
				rule, err := UseBundled(name)
				if err != nil {
					t.Fatal(err)
				}
				if result := rule.Check(context.Background(), h); result.Verdict != checkers.Valid {
					t.Fatalf("a correct system: %s", describe(result))
				}
				planted := plant(t, systems()[name], h)
				result := rule.Check(context.Background(), h)
				if result.Verdict != checkers.Violation || !slices.Contains(result.Evidence, planted) {
					t.Fatalf("planted at %d: %s", planted, describe(result))
				}
			})
		}
	}
}

// TestManyUnknown: a model that knows of no order among its messages is not lost
// in the ways in which hundreds of unknown operations may have happened, as long
// as the history is valid.
func TestManyUnknown(t *testing.T) {
	rule := mustRule(t, `
def step(state, op):
    if op.f == "enqueue":
        return [state | set([op.input])]
    if op.f == "ack":
        return [state - set([op.input])]
    return [state] if op.info or op.output == None or op.output in state else []
model(name = "queue", init = set(), step = step)`, "")
	if result := rule.Check(context.Background(), simulate(messages(), 3_000, 7)); result.Verdict != checkers.Valid {
		t.Errorf("%s", describe(result))
	}
}

// plant spoils the first operation after two thirds of h that can be.
func plant(t *testing.T, s system, h *history.History) int {
	t.Helper()
	operations := h.Operations()
	for _, did := range operations[2*len(operations)/3:] {
		if did.Complete == nil {
			continue
		}
		if planted := s.spoil(h, did.Invoke, did.Complete); planted > 0 {
			return planted
		}
	}
	t.Fatal("nothing can be spoiled")
	return -1
}
