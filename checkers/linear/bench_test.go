//go:build unix

package linear

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// cpu is the time that this process has worked; on a busy machine it tells
// more than the clock on the wall.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkObjects are the other engines, on 1 000 000 operations each.
func BenchmarkObjects(b *testing.B) {
	const n = 1_000_000
	for _, c := range []struct {
		engine string
		object Object
		make   func() []Op
	}{
		{"queue", Queue, func() []Op { return container(Queue, n, 20, 1) }},
		{"stack", Stack, func() []Op { return container(Stack, n, 20, 1) }},
		{"priority-queue", PriorityQueue, func() []Op { return container(PriorityQueue, n, 20, 1) }},
		{"counter", Counter, func() []Op { return counter(n, 20, 1) }},
		{"snapshots", Log, func() []Op { return grown(n, 20, 1) }},
		{"snapshots", GrowSet, func() []Op { return grown(n, 20, 1) }},
		{"elements", Set, func() []Op { return members(n, 20, 1) }},
		{"locks", Lock, func() []Op { return holds(n, 20, 1) }},
	} {
		b.Run(fmt.Sprintf("%s/object=%d", c.engine, c.object), func(b *testing.B) {
			benchmark(b, c.object, c.make(), c.engine)
		})
	}
}

func benchmark(b *testing.B, object Object, ops []Op, engine string) {
	b.Helper()
	b.ReportAllocs()
	began := cpu(b)
	for b.Loop() {
		r := Judge(context.Background(), object, ops)
		if r.Verdict != Linearizable || r.Engine != engine {
			b.Fatal(r)
		}
	}
	b.ReportMetric((cpu(b)-began).Seconds()/float64(b.N), "cpu-s/op")
}

// BenchmarkUnique is one register whose values are written once.
func BenchmarkUnique(b *testing.B) {
	for _, cas := range []int{0, 300} {
		b.Run(fmt.Sprintf("clients=20/cas=%d/n=1000000", cas), func(b *testing.B) {
			benchmark(b, Register, load{operations: 1_000_000, clients: 20, cas: cas, unknown: 50, seed: 1}.register(), "zones")
		})
	}
}

// BenchmarkSmallDomain is one register with the values 0 to 4.
func BenchmarkSmallDomain(b *testing.B) {
	for _, l := range []load{
		{operations: 100_000, clients: 10, values: 4},
		{operations: 100_000, clients: 10, values: 4, cas: 300},
		{operations: 100_000, clients: 10, values: 4, unknown: 50},
		{operations: 100_000, clients: 20, values: 4},
		{operations: 1_000_000, clients: 10, values: 4},
		{operations: 100_000, clients: 20, cas: 300, refuse: true},
	} {
		b.Run(fmt.Sprintf("clients=%d/cas=%d/unknown=%d/values=%d/n=%d", l.clients, l.cas, l.unknown, l.values, l.operations), func(b *testing.B) {
			benchmark(b, Register, l.register(), "register-search")
		})
	}
}

// BenchmarkEtcd judges the recorded histories of etcd, all of them each time,
// by our engines and by porcupine.
func BenchmarkEtcd(b *testing.B) {
	all := collection(b, "porcupine-etcd-jepsen", parseJepsen)
	judge := func(name string, judge func(ops []Op) Verdict) {
		b.Run(name, func(b *testing.B) {
			began := cpu(b)
			for b.Loop() {
				for _, r := range all {
					if got := judge(r.ops); got != r.want {
						b.Fatalf("%s: %v", r.name, got)
					}
				}
			}
			b.ReportMetric((cpu(b)-began).Seconds()*1000/float64(b.N), "cpu-ms/op")
		})
	}
	judge("ours", func(ops []Op) Verdict { return Judge(context.Background(), Register, ops).Verdict })
	judge("porcupine", plainPorcupine)
}

// plainPorcupine is porcupine as its own tests use it, with a hash and a state
// that is one number.
func plainPorcupine(ops []Op) Verdict {
	model := porcupine.Model{
		Init: func() any { return Initial },
		Step: func(state, input, _ any) (bool, any) {
			ok, next := numberStep(state.(int), input.(*Op))
			return ok, next
		},
		Hash: func(state any) uint64 { return uint64(state.(int)+1) * 0x9e3779b97f4a7c15 },
	}
	history := make([]porcupine.Operation, len(ops))
	for i := range ops {
		history[i] = porcupine.Operation{Input: &ops[i], Call: int64(ops[i].Call), Return: int64(ops[i].end())}
	}
	if porcupine.CheckOperations(model, history) {
		return Linearizable
	}
	return Violated
}

func numberStep(v int, o *Op) (bool, int) {
	switch o.Kind {
	case Read:
		return v == o.Value, v
	case Write:
		return true, o.Value
	case CAS:
		if v == o.Value {
			return true, o.New
		}
		return o.Unknown, v
	}
	return v != o.Value, v
}
