package txn

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// A workload makes long valid histories as a real run would: 20 clients, 10
// keys in use at a time, each given up after 32 writes, 1 to 4 micro-operations.
// Every transaction takes effect at one moment between its ends.
type workload struct {
	lists    bool
	clients  int
	keys     int
	perKey   int
	unknown  float64 // how many end as info
	replaces bool    // registers: read before every write
}

func usual(lists bool) workload {
	return workload{lists: lists, clients: 20, keys: 10, perKey: 32}
}

type maker struct {
	workload
	rng    *rand.Rand
	ops    []history.Op
	active []int
	next   int
	lists  map[int][]byte
	writes map[int]int
}

// make makes a history of n transactions.
func (w workload) make(n int, seed uint64) *history.History {
	m := &maker{workload: w, rng: rand.New(rand.NewPCG(seed, 7)), lists: make(map[int][]byte), writes: make(map[int]int), ops: make([]history.Op, 0, 2*n)}
	for range w.keys {
		m.active = append(m.active, m.next)
		m.next++
	}
	type client struct {
		process int
		phase   int
		value   []byte
	}
	clients := make([]client, w.clients)
	for i := range clients {
		clients[i].process = i
	}
	for done := 0; done < n; {
		c := &clients[m.rng.IntN(len(clients))]
		op := history.Op{Index: len(m.ops), Time: time.Duration(len(m.ops)) * time.Microsecond, Process: c.process, F: "txn"}
		switch c.phase {
		case 0:
			m.ops = append(m.ops, op)
			c.phase = 1
		case 1:
			c.value = m.transaction()
			c.phase = 2
		case 2:
			op.Type, op.Value = history.OK, c.value
			if m.rng.Float64() < w.unknown {
				op.Type, op.Value = history.Info, nil
				m.ops[m.invoked(c.process)].Value = c.value
				c.process += w.clients
			}
			m.ops = append(m.ops, op)
			c.phase = 0
			done++
		}
	}
	for i := range clients {
		if c := &clients[i]; c.phase == 2 {
			m.ops = append(m.ops, history.Op{Index: len(m.ops), Time: time.Duration(len(m.ops)) * time.Microsecond, Process: c.process, F: "txn", Type: history.OK, Value: c.value})
		}
	}
	return history.New(m.ops)
}

func (m *maker) invoked(process int) int {
	for i := len(m.ops) - 1; ; i-- {
		if m.ops[i].Process == process && m.ops[i].Type == history.Invoke {
			return i
		}
	}
}

func (m *maker) transaction() []byte {
	b := []byte{'['}
	for i := range 1 + m.rng.IntN(4) {
		if i > 0 {
			b = append(b, ',')
		}
		at := m.rng.IntN(len(m.active))
		key := m.active[at]
		if m.rng.IntN(2) == 0 {
			b = m.read(b, key)
			continue
		}
		if m.replaces {
			b = append(m.read(b, key), ',')
		}
		b = m.write(b, key)
		if m.writes[key] == m.perKey {
			m.active[at] = m.next
			m.next++
		}
	}
	return append(b, ']')
}

func (m *maker) read(b []byte, key int) []byte {
	b = strconv.AppendInt(append(b, `["r",`...), int64(key), 10)
	b = append(b, ',')
	switch state := m.lists[key]; {
	case m.workload.lists:
		b = append(append(append(b, '['), state...), ']')
	case state == nil:
		b = append(b, "null"...)
	default:
		b = append(b, state...)
	}
	return append(b, ']')
}

func (m *maker) write(b []byte, key int) []byte {
	m.writes[key]++
	word := `["w",`
	if m.workload.lists {
		word = `["append",`
		if m.writes[key] > 1 {
			m.lists[key] = append(m.lists[key], ',')
		}
		m.lists[key] = strconv.AppendInt(m.lists[key], int64(m.writes[key]), 10)
	} else {
		m.lists[key] = strconv.AppendInt(nil, int64(m.writes[key]), 10)
	}
	b = strconv.AppendInt(append(b, word...), int64(key), 10)
	b = strconv.AppendInt(append(b, ','), int64(m.writes[key]), 10)
	return append(b, ']')
}

func benchmark(b *testing.B, c checkers.Checker, h *history.History) {
	runtime.GC()
	b.ReportAllocs()
	for b.Loop() {
		if r := c.Check(context.Background(), h); r.Verdict != checkers.Valid {
			b.Fatal(r.Verdict, r.Says)
		}
	}
	b.ReportMetric(float64(len(h.Ops)/2)*float64(b.N)/b.Elapsed().Seconds(), "txns/s")
}

func BenchmarkListAppend(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			benchmark(b, ListAppend(Options{}), usual(true).make(n, 1))
		})
	}
}

func BenchmarkRWRegister(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprintf("blind/%d", n), func(b *testing.B) {
			benchmark(b, RWRegister(Options{}), usual(false).make(n, 1))
		})
		b.Run(fmt.Sprintf("linearizable-keys/%d", n), func(b *testing.B) {
			benchmark(b, RWRegister(Options{LinearizableKeys: true}), usual(false).make(n, 1))
		})
		b.Run(fmt.Sprintf("sequential-keys/%d", n), func(b *testing.B) {
			benchmark(b, RWRegister(Options{SequentialKeys: true}), usual(false).make(n, 1))
		})
		b.Run(fmt.Sprintf("replacing/%d", n), func(b *testing.B) {
			w := usual(false)
			w.replaces = true
			benchmark(b, RWRegister(Options{}), w.make(n, 1))
		})
	}
}

// skewed makes a history of a database with snapshots that last long: write
// skew everywhere, and all of it in one component.
func skewed(n int) *history.History {
	h := usual(true).make(n, 4)
	rng := rand.New(rand.NewPCG(2, 2))
	for i := range h.Ops {
		op := &h.Ops[i]
		if op.Type != history.OK || rng.IntN(20) > 0 || bytes.Contains(op.Value, []byte("append")) {
			continue
		}
		// The last read lacks the last element.
		if at := bytes.LastIndexByte(op.Value, ','); bytes.HasSuffix(op.Value, []byte("]]]")) && op.Value[at+1] != '[' {
			op.Value = append(bytes.Clone(op.Value[:at]), "]]]"...)
		}
	}
	return h
}

func BenchmarkSkewed(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		h := skewed(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				r := ListAppend(Options{}).Check(context.Background(), h)
				if r.Verdict != checkers.Violation {
					b.Fatal(r.Says)
				}
				b.ReportMetric(float64(r.Counts["entangled"]), "entangled")
			}
		})
	}
}

// BenchmarkEntangled has one read at the end of what was there in the
// beginning, so that everything in between is in one component.
func BenchmarkEntangled(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		h := usual(true).make(n, 4)
		old := history.Op{Process: 1 << 20, F: "txn", Value: []byte(`[["r",0,[]]]`), Time: time.Hour}
		answer := old
		answer.Type = history.OK
		h = reindexed(append(h.Ops, old, answer))
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				r := ListAppend(Options{}).Check(context.Background(), h)
				if r.Verdict != checkers.Violation {
					b.Fatal(r.Says)
				}
				b.ReportMetric(float64(r.Counts["entangled"]), "entangled")
			}
		})
	}
}

// BenchmarkBroken has one anomaly in an otherwise valid history: what it takes
// to find it and to tell of it.
func BenchmarkBroken(b *testing.B) {
	for _, lists := range []bool{true, false} {
		check := ListAppend(Options{})
		if !lists {
			check = RWRegister(Options{})
		}
		for _, n := range []int{10_000, 100_000, 1_000_000} {
			b.Run(fmt.Sprintf("%s/%d", check.Name(), n), func(b *testing.B) {
				h := usual(lists).make(n, 9)
				h, _ = plants(b, check.Name())[0].in(h, len(h.Ops)/2)
				for b.Loop() {
					if r := check.Check(context.Background(), h); r.Verdict != checkers.Violation {
						b.Fatal(r.Says)
					}
				}
			})
		}
	}
}
