package fold

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// A tape writes down histories for tests: operations of processes that each
// have at most one open, in the order in which they are given.
type tape struct {
	ops  []history.Op
	open map[int]history.Op
}

func (t *tape) put(op history.Op) int {
	op.Index, op.Time = len(t.ops), time.Duration(len(t.ops))*time.Microsecond
	t.ops = append(t.ops, op)
	return op.Index
}

// begin invokes an operation and returns its event.
func (t *tape) begin(process int, f, key, value string) int {
	op := history.Op{Process: process, Node: "n" + strconv.Itoa(process%5+1), F: f, Key: key}
	if value != "" {
		op.Value = json.RawMessage(value)
	}
	if t.open == nil {
		t.open = make(map[int]history.Op)
	}
	t.open[process] = op
	return t.put(op)
}

// end completes what the process has open; a value of "" leaves the invocation's.
func (t *tape) end(process int, as history.Type, value string) int {
	op := t.open[process]
	delete(t.open, process)
	op.Type = as
	if value != "" {
		op.Value = json.RawMessage(value)
	}
	return t.put(op)
}

// do invokes and completes at once, and returns both events.
func (t *tape) do(process int, f, key, value, got string) [2]int {
	return [2]int{t.begin(process, f, key, value), t.end(process, history.OK, got)}
}

// final marks the process's last invocation, or what it has open, as final.
func (t *tape) doFinal(process int, f, key, got string) [2]int {
	events := t.do(process, f, key, "", got)
	t.ops[events[0]].Final, t.ops[events[1]].Final = true, true
	return events
}

func (t *tape) history(tb testing.TB) *history.History {
	tb.Helper()
	h := history.New(t.ops)
	if err := h.Validate(); err != nil {
		tb.Fatal(err)
	}
	return h
}

// interleave runs n operations by c clients, overlapping at random; do carries
// out the i-th for a process, in two halves.
func (t *tape) interleave(rng *rand.Rand, n, c int, begin func(process, i int), end func(process, i int) history.Type) {
	processes := make([]int, c)
	busy := make([]int, c)
	for p := range processes {
		processes[p], busy[p] = p, -1
	}
	finish := func(p int) {
		if end(processes[p], busy[p]) == history.Info {
			processes[p] += c
		}
		busy[p] = -1
	}
	for i := 0; i < n; {
		p := rng.IntN(c)
		if busy[p] >= 0 {
			finish(p)
			continue
		}
		busy[p] = i
		begin(processes[p], i)
		i++
	}
	for p := range processes {
		if busy[p] >= 0 {
			finish(p)
		}
	}
}

// list writes a JSON array of integers.
func list(ns []int) string {
	b := []byte{'['}
	for i, n := range ns {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return string(append(b, ']'))
}

// setHistory adds n elements with 5 % unknown, and reads r times and in the
// end. lose, if not negative, is an acknowledged element that reads leave out
// from the first read after its add on; twice is one that is doubled in the last.
func setHistory(tb testing.TB, n, reads int, mutate func(read int, elements []int) []int) (h *history.History, adds map[int][]int) {
	rng := rand.New(rand.NewPCG(uint64(n), 1))
	t := &tape{}
	adds = make(map[int][]int)
	var elements []int
	every := max(1, n/max(1, reads))
	read := 0
	look := func(process int, last bool) {
		seen := elements
		if mutate != nil {
			at := read
			if last {
				at = -1
			}
			seen = mutate(at, elements)
		}
		read++
		if last {
			t.doFinal(process, fRead, "", list(seen))
		} else {
			t.do(process, fRead, "", "", list(seen))
		}
	}
	t.interleave(rng, n, 10, func(process, i int) {
		adds[i] = []int{t.begin(process, fAdd, "", strconv.Itoa(i))}
	}, func(process, i int) history.Type {
		as := history.OK
		if rng.IntN(20) == 0 {
			as = history.Info
		}
		if as == history.OK || rng.IntN(2) == 0 {
			elements = append(elements, i)
		}
		adds[i] = append(adds[i], t.end(process, as, ""))
		if i%every == every-1 {
			look(1_000_000_000+read, false)
		}
		return as
	})
	look(2_000_000_000, true)
	return t.history(tb), adds
}

// logHistory sends and polls: ops operations over 10 logs by 10 producers and
// 10 consumers, one for each log. change, if it is set, may alter what the
// n-th poll gets.
func logHistory(tb testing.TB, ops int, change func(poll int, got []message) []message) *history.History {
	rng := rand.New(rand.NewPCG(uint64(ops), 2))
	t := &tape{}
	logs := make([][]message, 10)
	next := make([]int64, 10) // offset
	read := make([]int, 10)
	polls := 0
	poll := func(p int, last bool) {
		k := p % 10
		got := logs[k][read[k]:]
		if len(got) > 8 && !last {
			got = got[:8]
		}
		read[k] += len(got)
		t.begin(100+p, "poll", "", "")
		if last {
			t.ops[len(t.ops)-1].Final = true
		}
		if change != nil {
			got = change(polls, got)
		}
		polls++
		b := fmt.Appendf(nil, `{"k%d":[`, k)
		for i, m := range got {
			if i > 0 {
				b = append(b, ',')
			}
			b = fmt.Appendf(b, "[%d,%d]", m.offset, m.id)
		}
		t.end(100+p, history.OK, string(append(b, "]}"...)))
		if last {
			t.ops[len(t.ops)-1].Final = true
		}
	}
	processes := make([]int, 10)
	for p := range processes {
		processes[p] = p
	}
	for i := 0; i < ops; i++ {
		p := rng.IntN(10)
		if rng.IntN(3) == 0 {
			poll(p, false)
			continue
		}
		k := rng.IntN(10)
		t.begin(processes[p], "send", "k"+strconv.Itoa(k), strconv.Itoa(i))
		offset := next[k]
		next[k] += int64(1 + rng.IntN(2))
		logs[k] = append(logs[k], message{offset, int32(i)})
		if rng.IntN(50) == 0 {
			t.end(processes[p], history.Info, "")
			processes[p] += 1_000_000
			continue
		}
		t.end(processes[p], history.OK, fmt.Sprintf("[%d,%d]", offset, i))
	}
	for p := range 10 {
		poll(p, true)
		poll(p, true)
	}
	return t.history(tb)
}
