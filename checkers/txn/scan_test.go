package txn

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/shakedown-dev/shakedown/history"
)

func one(value string, outcome history.Type) *history.History {
	return history.New([]history.Op{
		{Index: 0, F: "txn", Value: json.RawMessage(value)},
		{Index: 1, F: "txn", Type: outcome, Value: json.RawMessage(value)},
	})
}

// TestScan reads values and says again what they do.
func TestScan(t *testing.T) {
	for _, test := range []struct {
		lists       bool
		value, says string
	}{
		{true, `[]`, ""},
		{true, `null`, ""},
		{true, `[["append","x",1],["r","x",[1,2]]]`, "append 1 to x, read x = [1 2]"},
		{true, " [ [ \"append\" , 5 , -17 ] ,\n[\"r\",5,[ ] ] ] ", "append -17 to 5, read 5 = []"},
		{true, `[["r","x",null]]`, "read x = []"},
		{true, `[["r","x"]]`, "read x = ?"},
		{true, `[["append","x","a\"b"],["r","x",["a\u0022b"]]]`, `append a"b to x, read x = [a"b]`},
		{true, `[["append",[1, 2],{"a" : [1]}]]`, `append {"a":[1]} to [1,2]`},
		{true, `[["append","x",1.5],["append","x",1e3],["append","x",123456789012345678901]]`, "append 1.5 to x, append 1e3 to x, append 123456789012345678901 to x"},
		{true, `[["r","x",[1,2,3,4,5,6,7,8,9,10]]]`, "read x = [… 2 more … 3 4 5 6 7 8 9 10]"},
		{false, `[["w","x",1],["r","y",null],["r","z",true]]`, "write x = 1, read y = nil, read z = true"},
		{false, `[["w","x",123456789012345678],["r","y",-123456789012345678]]`, "write x = 123456789012345678, read y = -123456789012345678"},
	} {
		d, err := load(t.Context(), one(test.value, history.OK), test.lists)
		if err != nil {
			t.Errorf("%s: %v", test.value, err)
			continue
		}
		if says := d.does(0); says != test.says {
			t.Errorf("%s\n%s\nwant\n%s", test.value, says, test.says)
		}
	}
}

// TestScanRefuses knows what is no transaction, and says where and why.
func TestScanRefuses(t *testing.T) {
	for _, test := range []struct {
		lists      bool
		value, why string
	}{
		{true, `[["w","x",1]]`, `"r" or "append"`},
		{false, `[["append","x",1]]`, `"r" or "w"`},
		{true, `[["append","x"]]`, "too early"},
		{true, `[["append","x",1]`, "too early"},
		{true, `[["append","x",1]] 7`, "more after"},
		{true, `["append","x",1]`, "must be"},
		{true, `[["r","x",5]]`, "a list or null"},
		{true, `[["r","x",[1,2]`, "too early"},
		{true, `[["r","x",[1 2]]]`, "must be"},
		{true, `[["r","x`, "too early"},
		{true, `[["append","x",-]]`, "minus"},
		{true, `[["append","x",nope]]`, "no JSON"},
		{true, `[["append","x",{"a":]]`, "invalid character"},
		{true, `17`, "must be"},
	} {
		c := ListAppend(Options{})
		if !test.lists {
			c = RWRegister(Options{})
		}
		r := c.Check(t.Context(), one(test.value, history.OK))
		if r.Verdict != 0 || !strings.Contains(strings.Join(r.Says, " "), test.why) || !strings.Contains(r.Says[0], "vent 0") {
			t.Errorf("%s: %v %v, want unknown because of %q", test.value, r.Verdict, r.Says, test.why)
		}
	}
}

// TestScanAgrees compares with encoding/json.
func TestScanAgrees(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	values := []string{"0", "-3", "17", `"a"`, `"\n"`, "1.25", "true", `{"b":[1,"]"]}`, "999999999999999999", "1234567890123456789012"}
	for range 2000 {
		var mops []string
		var want []string
		for range rng.IntN(5) {
			k, v := values[rng.IntN(len(values))], values[rng.IntN(len(values))]
			mops = append(mops, fmt.Sprintf(`["append",%s,%s]`, k, v))
			want = append(want, plainText(k)+" "+plainText(v))
		}
		d, err := load(t.Context(), one("["+strings.Join(mops, ",")+"]", history.OK), true)
		if err != nil {
			t.Fatal(mops, err)
		}
		for i := range d.mops {
			if got := d.key(d.mops[i].key) + " " + d.show(d.mops[i].val); got != want[i] {
				t.Fatalf("%s is read as %s, want %s", mops[i], got, want[i])
			}
		}
	}
}

func plainText(raw string) string {
	var s string
	if json.Unmarshal([]byte(raw), &s) == nil {
		return s
	}
	return raw
}

func FuzzScan(f *testing.F) {
	f.Add([]byte(`[["append","x",1],["r","x",[1,2]]]`), true)
	f.Add([]byte(`[["w",{"a":"\\"},-1.5e9],["r",null,null]]`), false)
	f.Fuzz(func(t *testing.T, raw []byte, lists bool) {
		d, err := load(t.Context(), one(string(raw), history.OK), lists)
		if err != nil || !json.Valid(raw) {
			return
		}
		var mops []json.RawMessage
		if json.Unmarshal(raw, &mops) != nil || len(mops) != len(d.of(0)) {
			t.Fatalf("%s is read as %s", raw, d.does(0))
		}
	})
}

func TestTable(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	table, plain := newTable[int](), make(map[kv]int)
	for i := range 20_000 {
		at := kv{int32(rng.IntN(4)), value(rng.IntN(1 << rng.IntN(14)))}
		if rng.IntN(10) == 0 {
			at.val = -at.val * named
		}
		if rng.IntN(2) == 0 {
			table.set(at.key, at.val, i)
			plain[at] = i
		}
		got, ok := table.get(at.key, at.val)
		if want, has := plain[at]; ok != has || got != want {
			t.Fatalf("step %d: %v is %d %v, want %d %v", i, at, got, ok, want, has)
		}
	}
}
