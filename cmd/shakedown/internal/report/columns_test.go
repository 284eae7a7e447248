package report

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/shakedown-dev/shakedown/history"
)

// decodeColumns reads the columns as decode.js does.
func decodeColumns(t *rapid.T, c *columns) []map[string]int64 {
	var readers []*bytes.Reader
	for _, p := range c.parts() {
		readers = append(readers, bytes.NewReader(p.Bytes()))
	}
	unsigned := func(i int) int64 {
		v, err := binary.ReadUvarint(readers[i])
		if err != nil {
			t.Fatal(err)
		}
		return int64(v)
	}
	signed := func(i int) int64 {
		v, err := binary.ReadVarint(readers[i])
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	var out []map[string]int64
	var index, start int64
	gens, nodes, numbers := map[int64]int64{}, map[int64]int64{}, map[int64]int64{}
	for range c.count {
		index += signed(0)
		start += signed(1)
		m := map[string]int64{"index": index, "start": start, "took": unsigned(2) - 1, "done": unsigned(3)}
		client := signed(4)
		gens[client] += signed(5)
		m["process"] = client + gens[client]*int64(c.clients)
		m["kind"], m["f"], m["key"] = unsigned(6), unsigned(7), unsigned(8)
		nodes[client] += signed(9)
		m["node"] = nodes[client]
		if tag := unsigned(10); tag > 0 && tag%2 == 0 {
			z := uint64(tag/2 - 1)
			numbers[m["key"]] += int64(z>>1) ^ -int64(z&1)
			m["number"] = numbers[m["key"]]
		} else {
			m["text"] = tag / 2
		}
		m["error"] = unsigned(11)
		out = append(out, m)
	}
	for i, r := range readers {
		if r.Len() > 0 {
			t.Fatalf("column %d has %d bytes too many", i, r.Len())
		}
	}
	return out
}

// Without this the page could show other operations than there were.
func TestColumnsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clients := rapid.IntRange(1, 5).Draw(t, "clients")
		var operations []history.Operation
		index := 0
		for range rapid.IntRange(0, 40).Draw(t, "n") {
			index += rapid.IntRange(1, 300).Draw(t, "gap")
			invoke := history.Op{Index: index, Time: time.Duration(rapid.Int64Range(0, 1<<52).Draw(t, "time")), Process: rapid.IntRange(0, 1<<20).Draw(t, "process"),
				F: "f", Key: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "key"), Node: rapid.SampledFrom([]string{"", "n1", "n2"}).Draw(t, "node"),
				Final: rapid.Bool().Draw(t, "final"), Value: json.RawMessage(rapid.SampledFrom([]string{"", "null", "0", "-7", "1234567890123", "123456789012345678", `"x"`, "[1,2]", "-", "1.5", "-0", "007"}).Draw(t, "value"))}
			o := history.Operation{Invoke: &invoke}
			if rapid.Bool().Draw(t, "ended") {
				done := invoke
				done.Index, done.Type = index+rapid.IntRange(1, 500).Draw(t, "done"), history.Type(rapid.IntRange(1, 3).Draw(t, "type"))
				done.Time += time.Duration(rapid.Int64Range(0, math.MaxInt32).Draw(t, "took"))
				done.Error = rapid.SampledFrom([]string{"", "timeout"}).Draw(t, "error")
				o.Complete = &done
			}
			operations = append(operations, o)
		}
		c := newColumns(operations, clients)
		for i, got := range decodeColumns(t, c) {
			compareOperation(t, c, got, operations[i])
		}
	})
}

func compareOperation(t *rapid.T, c *columns, got map[string]int64, o history.Operation) {
	want := map[string]int64{"index": int64(o.Invoke.Index), "start": micros(o.Start()), "process": int64(o.Invoke.Process), "took": -1, "kind": int64(o.Type())}
	if o.Complete != nil {
		want["took"], want["done"] = micros(o.Complete.Time)-micros(o.Start()), int64(o.Complete.Index-o.Invoke.Index)
	}
	if o.Invoke.Final {
		want["kind"] |= 4
	}
	for name, w := range want {
		if got[name] != w {
			t.Fatalf("%s is %d, want %d", name, got[name], w)
		}
	}
	text := func(table *table, n int64) string {
		if n == 0 {
			return ""
		}
		return table.Texts[n-1]
	}
	value := string(o.Value())
	if value == "null" {
		value = ""
	}
	if n, number := got["number"]; number {
		value = string(mustJSON(t, n)) + "|" + value
		if half := len(value) / 2; value[:half] != value[half+1:] {
			t.Fatalf("the value is %s", value)
		}
	} else if text(c.texts, got["text"]) != value {
		t.Fatalf("the value is %q, want %q", text(c.texts, got["text"]), value)
	}
	if text(c.keys, got["key"]) != o.Invoke.Key || text(c.nodes, got["node"]) != o.Invoke.Node {
		t.Fatalf("key %q and node %q are wrong", text(c.keys, got["key"]), text(c.nodes, got["node"]))
	}
}

func mustJSON(t *rapid.T, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Without this the quick count could differ from the definition.
func TestOverlapsAgreeWithCovers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var operations []history.Operation
		for range rapid.IntRange(0, 30).Draw(t, "n") {
			from := time.Duration(rapid.IntRange(0, 20).Draw(t, "from"))
			o := history.Operation{Invoke: &history.Op{Time: from}}
			o.Complete = &history.Op{Time: from + time.Duration(rapid.IntRange(0, 9).Draw(t, "took")), Type: history.Type(rapid.IntRange(1, 3).Draw(t, "type"))}
			operations = append(operations, o)
		}
		w := history.FaultWindow{Inject: time.Duration(rapid.IntRange(-1, 20).Draw(t, "inject")), Healed: -1}
		if rapid.Bool().Draw(t, "healed") {
			w.Healed = max(w.Inject, 0) + time.Duration(rapid.IntRange(0, 9).Draw(t, "for"))
		}
		want := 0
		for _, o := range operations {
			if o.Type() == history.OK && w.Covers(o.Start(), o.End()) {
				want++
			}
		}
		if got := newOverlaps(operations).during(w); got != want {
			t.Fatalf("%d operations were ok during the fault, want %d", got, want)
		}
	})
}
