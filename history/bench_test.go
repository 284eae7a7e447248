package history_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// BenchmarkRecorder has clients that do nothing record operations into a real
// file as fast as the Writer lets them.
func BenchmarkRecorder(b *testing.B) {
	for _, clients := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			file, err := os.Create(filepath.Join(b.TempDir(), "history.jsonl"))
			if err != nil {
				b.Fatal(err)
			}
			defer file.Close()
			begin := time.Now()
			w := history.NewWriter(file, func() time.Duration { return time.Since(begin) })
			b.ResetTimer()
			record(b, w, clients, b.N)
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
		})
	}
}

// record shares n operations out to the clients.
func record(b *testing.B, w *history.Writer, clients, n int) {
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			node, key := fmt.Sprintf("n%d", client%5+1), fmt.Sprintf("r%d", client)
			for i := client; i < n; i += clients {
				op := history.Op{Process: client, Type: history.Invoke, F: "write", Key: key, Node: node,
					Value: json.RawMessage(strconv.Itoa(i))}
				if _, err := w.Append(op); err != nil {
					b.Error(err)
					return
				}
				op.Type = history.OK
				if _, err := w.Append(op); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkRead reads a history of the shape that runs write.
func BenchmarkRead(b *testing.B) {
	const events = 1_000_000
	var file bytes.Buffer
	tick := time.Duration(0)
	w := history.NewWriter(&file, func() time.Duration { tick += 1234; return tick })
	for i := range events / 2 {
		process := i % 10
		invoke := history.Op{Process: process, F: "write", Key: fmt.Sprintf("r%d", i/200), Node: "n3",
			Value: json.RawMessage(strconv.Itoa(i))}
		complete := invoke
		complete.Type = history.OK
		if i%7 == 0 {
			invoke.F, complete.F = "cas", "cas"
			invoke.Value = fmt.Appendf(nil, "[%d,%d]", i, i+1)
			complete.Value, complete.Type, complete.Error = invoke.Value, history.Fail, "compare failed"
		}
		for _, op := range []history.Op{invoke, complete} {
			if _, err := w.Append(op); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "history.jsonl")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(file.Len()))
	b.ReportAllocs()
	for b.Loop() {
		h, err := history.ReadFile(path)
		if err != nil || len(h.Ops) != events {
			b.Fatal(err)
		}
	}
	b.ReportMetric(events*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkOperations pairs a million events: for the first who asks, and for
// all others.
func BenchmarkOperations(b *testing.B) {
	const events = 1_000_000
	ops := make([]history.Op, events)
	for i := range ops {
		ops[i] = history.Op{Index: i, Time: time.Duration(i), Process: i % 20, F: "txn"}
		if i%40 >= 20 {
			ops[i].Type = history.OK
		}
	}
	b.Run("first", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if got := len(history.New(ops).Operations()); got != events/2 {
				b.Fatal(got)
			}
		}
	})
	h := history.New(ops)
	b.Run("again", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if got := len(h.Operations()); got != events/2 {
				b.Fatal(got)
			}
		}
	})
}
