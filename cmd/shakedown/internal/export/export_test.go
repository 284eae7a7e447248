package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/history/edn"
)

const sample = `{"index":0,"time_ns":0,"process":"nemesis","type":"info","f":"phase","value":{"phase":"storm"}}
{"index":1,"time_ns":1000,"process":"nemesis","type":"info","f":"kill","value":{"id":"storm/kill#1","stage":"inject","nodes":["n2"],"says":"killed"}}
{"index":2,"time_ns":2000,"process":"nemesis","type":"info","f":"kill","value":{"id":"storm/kill#1","stage":"in-force","nodes":["n2"],"evidence":"gone"}}
{"index":3,"time_ns":3000,"process":0,"type":"invoke","f":"write","key":"r1","value":1,"node":"n1"}
{"index":4,"time_ns":3500,"process":1,"type":"invoke","f":"cas","key":"r1","value":[1,2],"node":"n2"}
{"index":5,"time_ns":4000,"process":0,"type":"ok","f":"write","key":"r1","value":1,"node":"n1"}
{"index":6,"time_ns":5000,"process":1,"type":"info","f":"cas","key":"r1","value":[1,2],"node":"n2","error":"=HYPERLINK(\"x\")"}
{"index":7,"time_ns":6000,"process":"nemesis","type":"info","f":"kill","value":{"id":"storm/kill#1","stage":"heal"}}
{"index":8,"time_ns":7000,"process":"nemesis","type":"info","f":"kill","value":{"id":"storm/kill#1","stage":"healed"}}
{"index":9,"time_ns":8000,"process":3,"type":"invoke","f":"read","key":"r1","node":"n2"}
{"index":10,"time_ns":9000,"process":3,"type":"fail","f":"read","key":"r1","node":"n2","error":"</script>"}
{"index":11,"time_ns":9500,"process":"nemesis","type":"info","f":"phase","value":{"phase":"end"}}
`

func source(t *testing.T) Source {
	t.Helper()
	h, err := history.Read(strings.NewReader(sample))
	if err != nil {
		t.Fatal(err)
	}
	return Source{ID: "20261122T101502Z-7f3a91", Scenario: "hurt", System: "abd, 3 nodes", Clients: 2,
		Zero: time.Date(2026, 11, 22, 10, 15, 2, 0, time.UTC), History: h}
}

func written(t *testing.T, name string, s Source) []byte {
	t.Helper()
	for _, f := range Forms() {
		if f.Name == name {
			var b bytes.Buffer
			if err := f.Write(&b, s); err != nil {
				t.Fatal(err)
			}
			return b.Bytes()
		}
	}
	t.Fatalf("there is no form %s", name)
	return nil
}

// Every form is the same each time, so that exports can be compared.
func TestFormsAreRepeatable(t *testing.T) {
	for _, f := range Forms() {
		if f.Name == "porcupine" {
			continue // it is not ours
		}
		if a, b := written(t, f.Name, source(t)), written(t, f.Name, source(t)); !bytes.Equal(a, b) {
			t.Errorf("%s differs from one time to the next", f.Name)
		}
		if f.Says == "" || !strings.HasPrefix(f.Extension, ".") {
			t.Errorf("%s says %q and ends in %q", f.Name, f.Says, f.Extension)
		}
	}
}

func TestEDNReadsBack(t *testing.T) {
	s := source(t)
	got, err := edn.Read(bytes.NewReader(written(t, "jepsen-edn", s)), edn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s.History.String(), got.String()); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
}

func TestCSV(t *testing.T) {
	rows, err := csv.NewReader(bytes.NewReader(written(t, "csv", source(t)))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"3", "0", "0", "n1", "write", "r1", "1", "ok", "1", "3000", "4000", "1000", "false", "", "storm", "storm/kill#1"},
		{"4", "1", "1", "n2", "cas", "r1", "[1,2]", "info", "[1,2]", "3500", "5000", "1500", "false", "'=HYPERLINK(\"x\")", "storm", "storm/kill#1"},
		{"9", "3", "1", "n2", "read", "r1", "", "fail", "", "8000", "9000", "1000", "false", "</script>", "storm", ""},
	}
	if diff := cmp.Diff(want, rows[1:]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A perfettoFile is as much of the format as a reader demands.
type perfettoFile struct {
	Events []struct {
		Name string   `json:"name"`
		Ph   string   `json:"ph"`
		TS   *float64 `json:"ts"`
		Dur  *float64 `json:"dur"`
		PID  int      `json:"pid"`
		TID  int      `json:"tid"`
		S    string   `json:"s"`
	} `json:"traceEvents"`
}

// Perfetto draws nothing right where slices of one track overlap.
func TestPerfettoSlicesDoNotOverlap(t *testing.T) {
	check := func(t interface{ Errorf(string, ...any) }, text []byte) int {
		var f perfettoFile
		if err := json.Unmarshal(text, &f); err != nil {
			t.Errorf("%v:\n%s", err, text)
			return 0
		}
		ends := map[[2]int]float64{}
		slices := 0
		for _, e := range f.Events {
			track := [2]int{e.PID, e.TID}
			switch e.Ph {
			case "M":
			case "i":
				if e.S != "t" || e.TS == nil {
					t.Errorf("mark %+v", e)
				}
			case "X":
				slices++
				if e.TS == nil || e.Dur == nil || *e.Dur < 0 || e.PID == 0 || e.TID == 0 {
					t.Errorf("slice %+v", e)
					continue
				}
				if *e.TS < ends[track]-1e-9 {
					t.Errorf("%s begins at %f on track %v, before the one before ended at %f", e.Name, *e.TS, track, ends[track])
				}
				ends[track] = *e.TS + *e.Dur
			default:
				t.Errorf("an event of the kind %q", e.Ph)
			}
		}
		return slices
	}
	if n := check(t, written(t, "perfetto", source(t))); n != 4 { // two operations, a fault, a phase
		t.Errorf("%d slices, want 4", n)
	}
	rapid.Check(t, func(rt *rapid.T) {
		h := drawn(rt)
		check(rt, written(t, "perfetto", Source{ID: "x", Clients: 3, History: h}))
	})
}

// A client with several operations under way has a track for each.
func TestPerfettoDrawsWhatIsUnderWayAtOnce(t *testing.T) {
	var ops []history.Op
	add := func(process int, typ history.Type) {
		ops = append(ops, history.Op{Index: len(ops), Time: time.Duration(len(ops)) * time.Millisecond, Process: process, Type: typ, F: "write", Node: "n1"})
	}
	// Clients 0 and 1; process 2 is the second operation of client 0.
	add(0, history.Invoke)
	add(2, history.Invoke)
	add(0, history.OK)
	add(2, history.OK)
	h := history.New(ops)
	tracks := func(inFlight int) map[float64]bool {
		var f struct {
			Events []map[string]any `json:"traceEvents"`
		}
		if err := json.Unmarshal(written(t, "perfetto", Source{ID: "x", Clients: 2, InFlight: inFlight, History: h}), &f); err != nil {
			t.Fatal(err)
		}
		out := map[float64]bool{}
		for _, e := range f.Events {
			if e["ph"] == "X" {
				out[e["tid"].(float64)] = true
			}
		}
		return out
	}
	if got := tracks(2); len(got) != 2 {
		t.Errorf("on the tracks %v, want two", got)
	}
	if got := tracks(0); len(got) != 1 {
		t.Errorf("a client with one operation at a time is on the tracks %v", got)
	}
}

// drawn is a history of three clients, one operation at a time each.
func drawn(t *rapid.T) *history.History {
	var ops []history.Op
	process := []int{0, 1, 2}
	open := map[int]bool{}
	now := time.Duration(0)
	for range rapid.IntRange(0, 60).Draw(t, "events") {
		c := rapid.IntRange(0, 2).Draw(t, "client")
		now += time.Duration(rapid.IntRange(0, 3).Draw(t, "ns"))
		op := history.Op{Index: len(ops), Time: now, Process: process[c], F: "write", Key: "k", Value: json.RawMessage("1")}
		if open[c] {
			op.Type = rapid.SampledFrom([]history.Type{history.OK, history.Fail, history.Info}).Draw(t, "type")
			if op.Type == history.Info {
				process[c] += 3
			}
		}
		open[c] = !open[c]
		ops = append(ops, op)
	}
	return history.New(ops)
}

// Apalache's readers refuse plain numbers, and states that lack a variable.
func TestITF(t *testing.T) {
	var f struct {
		Meta   map[string]any   `json:"#meta"`
		Vars   []string         `json:"vars"`
		States []map[string]any `json:"states"`
	}
	if err := json.Unmarshal(written(t, "itf", source(t)), &f); err != nil {
		t.Fatal(err)
	}
	if f.Meta["format"] != "ITF" || len(f.States) != 12 {
		t.Errorf("meta %v, %d states", f.Meta, len(f.States))
	}
	for i, s := range f.States {
		for _, v := range f.Vars {
			if _, ok := s[v]; !ok {
				t.Errorf("state %d lacks %s", i, v)
			}
		}
		meta := s["#meta"].(map[string]any)
		if meta["index"] != float64(i) {
			t.Errorf("state %d has index %v", i, meta["index"])
		}
		delete(s, "#meta")
		if text, _ := json.Marshal(s); regexp.MustCompile(`[:,\[]-?\d`).Match(text) {
			t.Errorf("state %d has a plain number: %s", i, text)
		}
	}
	want := `{"in_force":{"#set":["storm/kill#1"]},"open":{"#map":[[{"#bigint":"0"},"write"],[{"#bigint":"1"},"cas"]]},"phase":"storm",` +
		`"step_":{"tag":"cas_invoke","value":{"error":"","key":"r1","node":"n2","process":{"#bigint":"1"},"time_ns":{"#bigint":"3500"},"value":{"#tup":[{"#bigint":"1"},{"#bigint":"2"}]}}}}`
	if got, _ := json.Marshal(f.States[4]); string(got) != want {
		t.Errorf("state 4:\n%s\nwant:\n%s", got, want)
	}
}

// Collectors refuse ids of another length, numbers that are no strings, and
// spans that end before they begin.
func TestOTLP(t *testing.T) {
	type span struct {
		Trace  string `json:"traceId"`
		ID     string `json:"spanId"`
		Parent string `json:"parentSpanId"`
		Name   string `json:"name"`
		Kind   int    `json:"kind"`
		Start  string `json:"startTimeUnixNano"`
		End    string `json:"endTimeUnixNano"`
		Status struct {
			Code int `json:"code"`
		} `json:"status"`
	}
	var f struct {
		Resources []struct {
			Scopes []struct {
				Spans []span `json:"spans"`
			} `json:"scopeSpans"`
		} `json:"resourceSpans"`
	}
	if err := json.Unmarshal(written(t, "otlp", source(t)), &f); err != nil {
		t.Fatal(err)
	}
	spans := f.Resources[0].Scopes[0].Spans
	var names []string
	seen := map[string]bool{}
	for _, s := range spans {
		names = append(names, s.Name)
		if len(s.Trace) != 32 || len(s.ID) != 16 || seen[s.ID] || s.Trace != spans[0].Trace || s.End < s.Start || len(s.Start) != 19 || s.Kind == 0 {
			t.Errorf("span %+v", s)
		}
		if s.Name != "hurt" && s.Parent != spans[0].ID {
			t.Errorf("%s is not below the run", s.Name)
		}
		seen[s.ID] = true
	}
	want := []string{"hurt", "phase storm", "fault storm/kill#1", "write r1", "cas r1", "read r1"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if spans[3].Status.Code != 1 || spans[4].Status.Code != 2 || spans[4].End != spans[0].End {
		t.Errorf("an operation that ended well is %+v, one of which nobody knows %+v", spans[3], spans[4])
	}
	if want := "1795342502000003000"; spans[3].Start != want {
		t.Errorf("the write began at %s, want %s", spans[3].Start, want)
	}
}

func TestPorcupine(t *testing.T) {
	s := source(t)
	if page := written(t, "porcupine", s); !bytes.Contains(page, []byte("<html")) || !bytes.Contains(page, []byte("cas 1 → 2")) {
		t.Error("porcupine's page is missing, or has not the operations")
	}
	s.Key = "nobody"
	for _, f := range Forms() {
		if f.Name == "porcupine" {
			if err := f.Write(&bytes.Buffer{}, s); err == nil || !strings.Contains(err.Error(), `there are no operations on "nobody"`) {
				t.Errorf("got %v", err)
			}
		}
	}
}
