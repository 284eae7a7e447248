package object

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/linear"
	"github.com/shakedown-dev/shakedown/history"
)

// histories is how many random histories each model gets: enough to be quick,
// or what SHAKEDOWN_HISTORIES says.
func histories(t *testing.T) int {
	text := os.Getenv("SHAKEDOWN_HISTORIES")
	if text == "" {
		return 1000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A state is an object of the oracle, which is written without a thought for
// speed, and knows nothing of ours but the operations' names and values.
type state []string

// A sequential object answers calls. It returns every state and answer that a
// call may have there; the answer "" is that of one that says nothing.
type sequential func(s state, f, arg string) []outcome

type outcome struct {
	next   state
	answer string
}

func one(next state, answer string) []outcome { return []outcome{{next, answer}} }

// oracles are the models, each with its operations and how many arguments
// there are.
func oracles() map[string]struct {
	fs    []string
	start state
	do    sequential
} {
	type o = struct {
		fs    []string
		start state
		do    sequential
	}
	return map[string]o{
		"queue":          {[]string{"enqueue", "dequeue", "dequeue", "peek"}, nil, container(func(s state) int { return 0 })},
		"stack":          {[]string{"push", "pop", "pop", "peek"}, nil, container(func(s state) int { return len(s) - 1 })},
		"priority-queue": {[]string{"insert", "poll", "poll", "peek"}, nil, container(func(s state) int { return slices.Index(s, slices.Max(s)) })},
		"bag":            {[]string{"enqueue", "dequeue", "dequeue"}, nil, bag},
		"deque":          {[]string{"push_front", "push_back", "pop_front", "pop_back", "peek_front"}, nil, deque},
		"set":            {[]string{"add", "add", "remove", "contains", "read"}, nil, set},
		"log":            {[]string{"append", "append", "read", "read"}, nil, list},
		"counter":        {[]string{"add", "add", "fetch-add", "read"}, state{"0"}, sum},
		"mutex":          {[]string{"acquire", "release"}, nil, mutex},
		"semaphore":      {[]string{"acquire", "release"}, state{"0"}, semaphore},
		"kv":             {[]string{"put", "append", "get", "get", "delete"}, state{"null"}, kv},
		"multi-register": {[]string{"txn"}, state{"0", "0"}, registers},
	}
}

// randomTxn is a transaction on two registers, of one or two micro-operations.
func randomTxn(rng *rand.Rand) string {
	var micros []string
	for range 1 + rng.IntN(2) {
		key := string("xy"[rng.IntN(2)])
		if rng.IntN(2) == 0 {
			micros = append(micros, fmt.Sprintf(`["r",%q,null]`, key))
		} else {
			micros = append(micros, fmt.Sprintf(`["w",%q,%d]`, key, rng.IntN(12)))
		}
	}
	return array(micros)
}

func registers(s state, _, arg string) []outcome {
	s = slices.Clone(s)
	var micros [][3]json.RawMessage
	if json.Unmarshal([]byte(arg), &micros) != nil {
		return nil
	}
	for i, m := range micros {
		at := strings.Index("xy", string(m[1][1]))
		if string(m[0]) == `"r"` {
			micros[i][2] = json.RawMessage(s[at])
		} else {
			s[at] = string(m[2])
		}
	}
	answer, err := json.Marshal(micros)
	if err != nil {
		return nil
	}
	return one(s, string(answer))
}

func container(front func(state) int) sequential {
	return func(s state, f, arg string) []outcome {
		switch {
		case f == "enqueue" || f == "push" || f == "insert":
			return one(append(slices.Clone(s), arg), "")
		case len(s) == 0:
			return one(s, "null")
		case f == "peek":
			return one(s, s[front(s)])
		}
		return one(slices.Delete(slices.Clone(s), front(s), front(s)+1), s[front(s)])
	}
}

func bag(s state, f, arg string) (all []outcome) {
	if f == "enqueue" {
		return one(append(slices.Clone(s), arg), "")
	}
	for i := range s {
		all = append(all, outcome{slices.Delete(slices.Clone(s), i, i+1), s[i]})
	}
	if len(s) == 0 {
		all = one(s, "null")
	}
	return all
}

func deque(s state, f, arg string) []outcome {
	switch f {
	case "push_front":
		return one(append(state{arg}, s...), "")
	case "push_back":
		return one(append(slices.Clone(s), arg), "")
	}
	if len(s) == 0 {
		return one(s, "null")
	}
	switch f {
	case "pop_front":
		return one(s[1:], s[0])
	case "pop_back":
		return one(s[:len(s)-1], s[len(s)-1])
	}
	return one(s, s[0])
}

func set(s state, f, arg string) []outcome {
	there := slices.Contains(s, arg)
	answer := fmt.Sprintf("[%s,%t]", arg, there)
	switch f {
	case "add":
		answer = fmt.Sprintf("[%s,%t]", arg, !there)
		if !there {
			s = append(slices.Clone(s), arg)
			slices.Sort(s)
		}
	case "remove":
		s = slices.DeleteFunc(slices.Clone(s), func(v string) bool { return v == arg })
	case "read":
		answer = array(s)
	}
	return one(s, answer)
}

func array(s state) string {
	text := "["
	for i, v := range s {
		if i > 0 {
			text += ","
		}
		text += v
	}
	return text + "]"
}

func list(s state, f, arg string) []outcome {
	if f == "append" {
		return one(append(slices.Clone(s), arg), "")
	}
	return one(s, array(s))
}

func sum(s state, f, arg string) []outcome {
	n, _ := strconv.Atoi(s[0])
	by, _ := strconv.Atoi(arg)
	switch f {
	case "add":
		return one(state{strconv.Itoa(n + by)}, "")
	case "fetch-add":
		return one(state{strconv.Itoa(n + by)}, strconv.Itoa(n+by))
	}
	return one(s, s[0])
}

func mutex(s state, f, _ string) []outcome {
	switch {
	case f == "acquire" && len(s) == 0:
		return one(state{"taken"}, "")
	case f == "release" && len(s) == 1:
		return one(nil, "")
	}
	return nil
}

func semaphore(s state, f, _ string) []outcome {
	n, _ := strconv.Atoi(s[0])
	switch {
	case f == "release":
		return one(state{strconv.Itoa(n + 1)}, "true")
	case n == 0:
		return one(s, "false")
	}
	return one(state{strconv.Itoa(n - 1)}, "true")
}

func kv(s state, f, arg string) []outcome {
	text, _ := strconv.Unquote(s[0])
	switch f {
	case "put":
		return one(state{strconv.Quote(arg)}, "")
	case "append":
		return one(state{strconv.Quote(text + arg)}, "")
	case "delete":
		return one(state{"null"}, "")
	}
	return one(s, s[0])
}

// possible looks for an order of the operations that explains all of them,
// trying each. Unknown ones may be left out.
func possible(ops []history.Operation, done []bool, s state, do sequential) bool {
	soonest := history.Operation{}
	left := false
	for i, o := range ops {
		if !done[i] && o.Type() == history.OK {
			left = true
			if soonest.Complete == nil || o.Complete.Index < soonest.Complete.Index {
				soonest = o
			}
		}
	}
	if !left {
		return true
	}
	for i, o := range ops {
		if done[i] || o.Invoke.Index > soonest.Complete.Index {
			continue
		}
		done[i] = true
		for _, out := range do(s, o.Invoke.F, plainArg(o)) {
			if answers(o, out.answer) && possible(ops, done, out.next, do) {
				return true
			}
		}
		done[i] = false
	}
	return false
}

func plainArg(o history.Operation) string {
	arg := string(o.Invoke.Value)
	if unquoted, err := strconv.Unquote(arg); err == nil {
		return unquoted
	}
	return arg
}

func answers(o history.Operation, answer string) bool {
	return o.Type() != history.OK || answer == "" || string(o.Complete.Value) == answer
}

// A player makes random histories: operations take effect at one moment
// between their ends, some have unknown outcomes, and some answers are those of
// another operation.
type player struct {
	rng  *rand.Rand
	fs   []string
	s    state
	do   sequential
	text bool

	ops     []history.Op
	clients []client
	// answers are some that there were, by operation.
	answers map[string][]string
}

type client struct {
	process        int
	f, arg, answer string
	open, effect   bool
}

func (p *player) event(c *client, typ history.Type, value string) {
	op := history.Op{Index: len(p.ops), Time: time.Duration(len(p.ops)), Process: c.process, Type: typ, F: c.f}
	if value != "" {
		op.Value = json.RawMessage(value)
	}
	p.ops = append(p.ops, op)
}

func (p *player) begin(c *client) {
	c.f, c.arg, c.answer = p.fs[p.rng.IntN(len(p.fs))], strconv.Itoa(1+p.rng.IntN(3)), ""
	c.open, c.effect = true, false
	value := c.arg
	if p.text {
		value = strconv.Quote(c.arg)
	}
	if c.f == "txn" {
		c.arg = randomTxn(p.rng)
		value = c.arg
	}
	switch c.f {
	case "dequeue", "pop", "poll", "peek", "read", "get", "delete", "acquire", "release", "pop_front", "pop_back", "peek_front":
		value = ""
	}
	p.event(c, history.Invoke, value)
}

func (p *player) end(c *client) {
	c.open = false
	before := p.answers[c.f]
	p.answers[c.f] = append(before, c.answer)
	switch n := p.rng.IntN(10); {
	case n < 2:
		p.event(c, history.Info, "")
		c.process += 10
	case n < 3 && strings.Contains(c.answer, "e]"):
		p.event(c, history.OK, strings.NewReplacer("true", "false", "false", "true").Replace(c.answer))
	case n < 6 && c.f == "txn":
		p.event(c, history.OK, strings.NewReplacer(`"r","x",0`, `"r","x",1`, `"r","y",2`, `"r","y",3`, `"r","x",4`, `"r","x",0`).Replace(c.answer))
	case n < 6 && len(before) > 0 && !strings.Contains(c.answer, "e]"):
		p.event(c, history.OK, before[p.rng.IntN(len(before))])
	default:
		p.event(c, history.OK, c.answer)
	}
}

func (p *player) history() *history.History {
	p.ops, p.answers, p.clients = nil, map[string][]string{}, make([]client, 2+p.rng.IntN(3))
	for i := range p.clients {
		p.clients[i].process = i
	}
	most := 4 + p.rng.IntN(5)
	for begun := 0; ; {
		c := &p.clients[p.rng.IntN(len(p.clients))]
		switch {
		case !c.open && begun == most:
			if !slices.ContainsFunc(p.clients, func(c client) bool { return c.open }) {
				return history.New(p.ops)
			}
		case !c.open:
			p.begin(c)
			begun++
		case !c.effect:
			if all := p.do(p.s, c.f, c.arg); len(all) > 0 {
				out := all[p.rng.IntN(len(all))]
				p.s, c.answer = out.next, out.answer
			}
			c.effect = true
		default:
			p.end(c)
		}
	}
}

// TestAgainstBruteForce compares every model with an oracle that tries all orders.
func TestAgainstBruteForce(t *testing.T) {
	for name, o := range oracles() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := New(name, Options{})
			if err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(uint64(len(name)), 3))
			verdicts, n := map[checkers.Verdict]int{}, histories(t)
			for i := range n {
				p := &player{rng: rng, fs: o.fs, s: o.start, do: o.do, text: name == "kv"}
				h := p.history()
				ops := h.Operations()
				want := checkers.Violation
				if possible(ops, make([]bool, len(ops)), o.start, o.do) {
					want = checkers.Valid
				}
				if i >= explained {
					if got := bare(c, h); got != want {
						t.Fatalf("history %d is %v, not %v\n%s", i, got, want, lines(h))
					}
					verdicts[want]++
					continue
				}
				r := c.Check(context.Background(), h)
				// Nothing to judge is neither.
				if r.Verdict != want && !(want == checkers.Valid && r.Verdict == checkers.Unknown && observesNothing(r)) {
					t.Fatalf("history %d is %v, not %v: %v\n%v", i, r.Verdict, want, r.Says, h)
				}
				verdicts[r.Verdict]++
			}
			if verdicts[checkers.Valid] < n/10 || verdicts[checkers.Violation] < n/20 {
				t.Errorf("one-sided: %v", verdicts)
			}
			t.Log(n, verdicts)
		})
	}
}

// explained is how many histories are judged with all that belongs to it; of the
// others nothing but the verdict is asked for, which takes a tenth of the time.
const explained = 3000

// bare is the verdict without a witness.
func bare(c checkers.Checker, h *history.History) checkers.Verdict {
	judge := c.(checker)
	for _, t := range judge.things(h) {
		if judge.model.decide(context.Background(), t).Verdict != linear.Linearizable {
			return checkers.Violation
		}
	}
	return checkers.Valid
}

func observesNothing(r checkers.Result) bool {
	return len(r.Says) > 0 && strings.Contains(r.Says[0], "observed anything")
}
