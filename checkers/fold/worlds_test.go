package fold

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/shakedown-dev/shakedown/history"
)

// This file plays systems that do nothing wrong, with 10 clients and 2 to 5 %
// of operations with an unknown outcome.

// registers are ten registers whose writes take effect when they end.
func registers(tb testing.TB, n int) *history.History {
	rng := rand.New(rand.NewPCG(uint64(n), 3))
	t := &tape{}
	value := make([]string, 10)
	t.interleave(rng, n, 10, func(process, i int) {
		key := "k" + strconv.Itoa(rng.IntN(10))
		if rng.IntN(2) == 0 {
			t.begin(process, fRead, key, "")
			return
		}
		t.begin(process, fWrite, key, strconv.Itoa(i))
	}, func(process, i int) history.Type {
		op := t.open[process]
		k := int(op.Key[1] - '0')
		if op.F == fRead {
			t.end(process, history.OK, value[k])
			return history.OK
		}
		as := history.OK
		if rng.IntN(50) == 0 {
			as = history.Info
		}
		if as == history.OK || rng.IntN(2) == 0 {
			value[k] = string(op.Value)
		}
		t.end(process, as, "")
		return as
	})
	for k, v := range value {
		for node := range 5 {
			t.doFinal(1_000_000_000+node, fRead, "k"+strconv.Itoa(k), v)
		}
	}
	return t.history(tb)
}

// queueWorld is one FIFO queue that is drained in the end.
func queueWorld(tb testing.TB, n int) *history.History {
	rng := rand.New(rand.NewPCG(uint64(n), 4))
	t := &tape{}
	var queue []int
	t.interleave(rng, n, 10, func(process, i int) {
		if rng.IntN(20) < 11 {
			t.begin(process, fEnqueue, "", strconv.Itoa(i))
			return
		}
		t.begin(process, "dequeue", "", "")
	}, func(process, i int) history.Type {
		if t.open[process].F == fEnqueue {
			as := history.OK
			if rng.IntN(20) == 0 {
				as = history.Info
			}
			if as == history.OK || rng.IntN(2) == 0 {
				queue = append(queue, i)
			}
			t.end(process, as, "")
			return as
		}
		got := "null"
		if len(queue) > 0 {
			got = strconv.Itoa(queue[0])
			queue = queue[1:]
		}
		t.end(process, history.OK, got)
		return history.OK
	})
	t.do(1_000_000_000, "drain", "", "", list(queue))
	return t.history(tb)
}

// counterWorld is a counter.
func counterWorld(tb testing.TB, n int) *history.History {
	rng := rand.New(rand.NewPCG(uint64(n), 5))
	t := &tape{}
	sum := 0
	t.interleave(rng, n, 10, func(process, i int) {
		if rng.IntN(2) == 0 {
			t.begin(process, fRead, "", "")
			return
		}
		t.begin(process, fAdd, "", strconv.Itoa(1+rng.IntN(5)))
	}, func(process, _ int) history.Type {
		op := t.open[process]
		if op.F == fRead {
			t.end(process, history.OK, strconv.Itoa(sum))
			return history.OK
		}
		delta, _ := strconv.Atoi(string(op.Value))
		as := history.OK
		if rng.IntN(20) == 0 {
			as = history.Info
		}
		if as == history.OK || rng.IntN(2) == 0 {
			sum += delta
		}
		t.end(process, as, "")
		return as
	})
	t.doFinal(1_000_000_000, fRead, "", strconv.Itoa(sum))
	return t.history(tb)
}

// bankWorld is eight accounts with 100 each.
func bankWorld(tb testing.TB, n int) *history.History {
	rng := rand.New(rand.NewPCG(uint64(n), 6))
	t := &tape{}
	money := []int{100, 100, 100, 100, 100, 100, 100, 100}
	all := func() string {
		b := []byte{'{'}
		for i, m := range money {
			if i > 0 {
				b = append(b, ',')
			}
			b = fmt.Appendf(b, `"%d":%d`, i, m)
		}
		return string(append(b, '}'))
	}
	t.do(1_000_000_000, fRead, "", "", all())
	moves := make(map[int][3]int)
	t.interleave(rng, n, 10, func(process, i int) {
		if rng.IntN(4) == 0 {
			t.begin(process, fRead, "", "")
			return
		}
		m := [3]int{rng.IntN(8), rng.IntN(8), 1 + rng.IntN(5)}
		moves[process] = m
		t.begin(process, "transfer", "", fmt.Sprintf(`{"from":%d,"to":%d,"amount":%d}`, m[0], m[1], m[2]))
	}, func(process, _ int) history.Type {
		if t.open[process].F == fRead {
			t.end(process, history.OK, all())
			return history.OK
		}
		m := moves[process]
		if money[m[0]] < m[2] {
			t.end(process, history.Fail, "")
			return history.Fail
		}
		as := history.OK
		if rng.IntN(50) == 0 {
			as = history.Info
		}
		if as == history.OK || rng.IntN(2) == 0 {
			money[m[0]] -= m[2]
			money[m[1]] += m[2]
		}
		t.end(process, as, "")
		return as
	})
	t.doFinal(1_000_000_000, fRead, "", all())
	return t.history(tb)
}

// forkWorld writes pairs of keys once each, and reads each pair a few times.
func forkWorld(tb testing.TB, n int) *history.History {
	rng := rand.New(rand.NewPCG(uint64(n), 7))
	t := &tape{}
	there := make(map[int]bool)
	t.interleave(rng, n, 10, func(process, i int) {
		if i%4 == 0 || i%4 == 2 {
			t.begin(process, fWrite, "", fmt.Sprintf(`[["w",%d,%d]]`, i/2, i))
			return
		}
		t.begin(process, fRead, "", fmt.Sprintf(`[["r",%d,null],["r",%d,null]]`, i/8*4, i/8*4+1))
	}, func(process, i int) history.Type {
		op := t.open[process]
		if op.F == fWrite {
			there[i/2] = true
			t.end(process, history.OK, "")
			return history.OK
		}
		k := i / 8 * 4
		value := func(k int) string {
			if there[k] {
				return strconv.Itoa(k * 2)
			}
			return "null"
		}
		t.end(process, history.OK, fmt.Sprintf(`[["r",%d,%s],["r",%d,%s]]`, k, value(k), k+1, value(k+1)))
		return history.OK
	})
	return t.history(tb)
}

// writesWorld writes values and reads all of them now and then.
func writesWorld(tb testing.TB, n int) *history.History {
	rng := rand.New(rand.NewPCG(uint64(n), 8))
	t := &tape{}
	var written []int
	looks := 0
	t.interleave(rng, n, 10, func(process, i int) {
		t.begin(process, fWrite, "", strconv.Itoa(i))
	}, func(process, i int) history.Type {
		as := history.OK
		if rng.IntN(20) == 0 {
			as = history.Info
		}
		if as == history.OK || rng.IntN(2) == 0 {
			written = append(written, i)
		}
		t.end(process, as, "")
		if i%max(1, n/20) == 0 {
			t.do(1_000_000_000+looks, fRead, "", "", list(written))
			looks++
		}
		return as
	})
	t.do(2_000_000_000, fRead, "", "", list(written))
	return t.history(tb)
}

// rowsWorld adds rows with timestamps and reads them all in the end.
func rowsWorld(tb testing.TB, n int) *history.History {
	rng := rand.New(rand.NewPCG(uint64(n), 9))
	t := &tape{}
	var rows []string
	t.interleave(rng, n, 10, func(process, _ int) {
		t.begin(process, fAdd, "", "")
	}, func(process, _ int) history.Type {
		row := fmt.Sprintf(`{"val":%d,"sts":"%d.%d"}`, len(rows), len(rows)/7, len(rows)%7)
		if rng.IntN(20) == 0 {
			if rng.IntN(2) == 0 {
				rows = append(rows, row)
			}
			t.end(process, history.Info, "")
			return history.Info
		}
		rows = append(rows, row)
		t.end(process, history.OK, row)
		return history.OK
	})
	b := []byte{'['}
	for i, row := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, row...)
	}
	t.doFinal(1_000_000_000, fRead, "", string(append(b, ']')))
	return t.history(tb)
}

// simpleWorld repeats one kind of operation that is done at once.
func simpleWorld(tb testing.TB, n int, f string, key, value func(i int) string) *history.History {
	t := &tape{}
	for i := range n {
		t.do(i%10, f, key(i), "", value(i))
	}
	return t.history(tb)
}

// insertWorld has two concurrent inserts for each key.
func insertWorld(tb testing.TB, n int) *history.History {
	t := &tape{}
	for i := range n / 2 {
		key := "k" + strconv.Itoa(i)
		t.begin(0, "insert", key, fmt.Sprintf("[%d,null]", i))
		t.begin(1, "insert", key, fmt.Sprintf("[null,%d]", i))
		t.end(i%2, history.OK, "")
		t.end(1-i%2, history.Fail, "")
	}
	return t.history(tb)
}

// outage is n operations of a node with a fault in the middle, of which those
// fail that meet it.
func outage(tb testing.TB, n int) *history.History {
	t := &tape{}
	stage := func(s history.Stage) {
		t.put(history.Op{Process: history.Nemesis, Type: history.Info, F: "kill", Value: []byte(`{"id":"kill#1","nodes":["n1"],"stage":"` + string(s) + `"}`)})
	}
	for i := range n {
		switch i {
		case n / 2:
			stage(history.StageInject)
			stage(history.StageInForce)
		case n/2 + n/10:
			stage(history.StageHeal)
			stage(history.StageHealed)
		}
		t.begin(0, fRead, "", "")
		as := history.OK
		if i >= n/2 && i < n/2+n/10 {
			as = history.Fail
		}
		t.end(0, as, "1")
	}
	return t.history(tb)
}

// find returns the first event from the middle of the history on for which want holds.
func find(tb testing.TB, h *history.History, want func(op history.Op) bool) int {
	tb.Helper()
	from := len(h.Ops) / 2
	at := slices.IndexFunc(h.Ops[from:], want)
	if at < 0 {
		tb.Fatal("nothing to change")
	}
	return from + at
}

// invocation returns the event that invoked what the event at completes.
func invocation(h *history.History, at int) int {
	for i := at; ; i-- {
		if h.Ops[i].Process == h.Ops[at].Process && h.Ops[i].Type == history.Invoke {
			return i
		}
	}
}

// changed makes h with other values and types in some events.
func changed(h *history.History, change func(ops []history.Op)) func() *history.History {
	return func() *history.History {
		ops := slices.Clone(h.Ops)
		change(ops)
		return history.New(ops)
	}
}
