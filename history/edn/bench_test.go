//go:build unix

package edn_test

import (
	"bufio"
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/history/edn"
)

// BenchmarkReadListAppend reads a million list-append transactions as Elle's
// own generator shapes them: 20 processes, 10 keys at a time that retire after
// 32 appends, 1 to 4 micro-operations.
func BenchmarkReadListAppend(b *testing.B) {
	const transactions = 1_000_000
	path := filepath.Join(b.TempDir(), "history.edn")
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	out := bufio.NewWriter(file)
	writeListAppend(out, transactions)
	if err := out.Flush(); err != nil {
		b.Fatal(err)
	}
	info, err := file.Stat()
	if err != nil || file.Close() != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	b.ReportAllocs()
	used := cpu(b)
	for b.Loop() {
		runtime.GC() // what the read before left is not ours
		file, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		h, err := edn.Read(file, edn.Options{})
		if err != nil || len(h.Ops) != 2*transactions {
			b.Fatal(len(h.Ops), err)
		}
		file.Close()
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		b.ReportMetric(float64(memory.HeapAlloc)/1e6, "MB-heap")
		runtime.KeepAlive(h)
	}
	b.ReportMetric(transactions*float64(b.N)/b.Elapsed().Seconds(), "txn/s")
	b.ReportMetric((cpu(b)-used).Seconds()/float64(b.N), "CPU-s/op")
}

// cpu is the processor time that this process has used. On a machine that is
// shared with others it says more than the clock.
func cpu(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkWriteListAppend writes 100 000 such transactions.
func BenchmarkWriteListAppend(b *testing.B) {
	var text bytes.Buffer
	writeListAppend(bufio.NewWriter(&text), 100_000)
	size := int64(text.Len())
	h, err := edn.Read(&text, edn.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(size)
	for b.Loop() {
		if err := edn.Write(io.Discard, h); err != nil {
			b.Fatal(err)
		}
	}
}

// writeListAppend writes a strictly serializable history.
func writeListAppend(w *bufio.Writer, transactions int) {
	g := &lists{rng: rand.New(rand.NewPCG(1, 2)), w: w, of: make(map[int][]byte)}
	for key := range 10 {
		g.active = append(g.active, key)
	}
	const processes = 20
	var waiting [processes][]microOp
	for done, invoked := 0, 0; done < transactions; {
		p := g.rng.IntN(processes)
		if waiting[p] == nil && invoked < transactions {
			waiting[p] = g.invent()
			g.event(p, "invoke", waiting[p], false)
			invoked++
		} else if waiting[p] != nil {
			g.event(p, "ok", waiting[p], true)
			waiting[p] = nil
			done++
		}
	}
	w.Flush()
}

type microOp struct{ key, element int } // a read if element is 0

// lists makes up the events of a store of lists.
type lists struct {
	rng     *rand.Rand
	w       *bufio.Writer
	active  []int
	appends [10]int
	of      map[int][]byte
	line    []byte
	index   int
	nanos   int
}

// invent makes up what a transaction does. Elements are unique per key.
func (g *lists) invent() []microOp {
	ops := make([]microOp, 1+g.rng.IntN(4))
	for i := range ops {
		slot := g.rng.IntN(len(g.active))
		ops[i].key = g.active[slot]
		if g.rng.IntN(2) == 0 {
			g.appends[slot]++
			ops[i].element = g.appends[slot]
			if g.appends[slot] == 32 {
				g.active[slot], g.appends[slot] = len(g.of)+1000*slot+g.active[slot]+10, 0
			}
		}
	}
	return ops
}

func (g *lists) event(process int, typ string, ops []microOp, run bool) {
	g.nanos += 1000 + g.rng.IntN(100_000)
	b := append(g.line[:0], "{:type :"...)
	b = append(append(b, typ...), ", :f :txn, :value ["...)
	for i, op := range ops {
		if i > 0 {
			b = append(b, ' ')
		}
		b = g.micro(b, op, run)
	}
	b = strconv.AppendInt(append(b, "], :process "...), int64(process), 10)
	b = strconv.AppendInt(append(b, ", :time "...), int64(g.nanos), 10)
	b = strconv.AppendInt(append(b, ", :index "...), int64(g.index), 10)
	g.line = append(b, "}\n"...)
	g.index++
	g.w.Write(g.line)
}

func (g *lists) micro(b []byte, op microOp, run bool) []byte {
	if op.element > 0 {
		b = strconv.AppendInt(append(b, "[:append "...), int64(op.key), 10)
		if run {
			g.of[op.key] = strconv.AppendInt(append(g.of[op.key], ' '), int64(op.element), 10)
		}
		return append(strconv.AppendInt(append(b, ' '), int64(op.element), 10), ']')
	}
	b = strconv.AppendInt(append(b, "[:r "...), int64(op.key), 10)
	if !run {
		return append(b, " nil]"...)
	}
	return append(append(append(b, " ["...), bytes.TrimSpace(g.of[op.key])...), "]]"...)
}
