package edn_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/cockroachdb/datadriven"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/history/edn"
)

// Without this test nothing would say, in a form that one can read aloud, what
// of another's history becomes what of ours. Run with -rewrite after a change,
// and read the difference.
func TestEvents(t *testing.T) {
	datadriven.Walk(t, "testdata/events", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var h *history.History
			var err error
			switch d.Cmd {
			case "read":
				h, err = edn.Read(strings.NewReader(d.Input), edn.Options{Tuples: tuples(t, d)})
			case "log":
				h, err = edn.ReadLog(strings.NewReader(d.Input), edn.Options{})
			case "write":
				return written(t, d.Input+"\n")
			default:
				d.Fatalf(t, "unknown command %q", d.Cmd)
			}
			if err != nil {
				return fmt.Sprintf("error: %v\n", err)
			}
			return jsonLines(t, h)
		})
	})
}

func tuples(t *testing.T, d *datadriven.TestData) edn.Tuples {
	var word string
	d.MaybeScanArgs(t, "tuples", &word)
	switch word {
	case "keep":
		return edn.KeepTuples
	case "split":
		return edn.SplitTuples
	}
	return edn.DetectTuples
}

func jsonLines(t testing.TB, h *history.History) string {
	var s strings.Builder
	for _, op := range h.Ops {
		line, err := json.Marshal(op)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&s, "%s\n", line)
	}
	return s.String()
}

func written(t *testing.T, input string) string {
	h, err := history.Read(strings.NewReader(input))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := edn.Write(&out, h); err != nil {
		t.Fatal(err)
	}
	back, err := edn.Read(strings.NewReader(out.String()), edn.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	if diff := cmp.Diff(h, back, cmpopts.IgnoreUnexported(history.History{})); diff != "" {
		t.Errorf("comes back otherwise (-want +got):\n%s", diff)
	}
	return out.String()
}

// everything is a history in which tokens of all kinds stand.
const everything = `; a comment
[{:index 0, :time 12345, :type :invoke, :process 17, :f :write, :value [[:append "a \" b" 1.5e3] #{1 2} \newline #inst "2026"]}
 #_ {:gone [1 2]} #jepsen.history.Op{:type :ok :process 17 :f :write :value {:a/b nil, 12 "é"} :error "x"}]`

// Without this test a token that lies across two reads could be torn.
func TestReadsOfAnySize(t *testing.T) {
	want, err := edn.Read(strings.NewReader(everything), edn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]io.Reader{
		"one byte":     iotest.OneByteReader(strings.NewReader(everything)),
		"half":         iotest.HalfReader(strings.NewReader(everything)),
		"data and EOF": iotest.DataErrReader(strings.NewReader(everything)),
	} {
		got, err := edn.Read(r, edn.Options{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(history.History{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Tokens longer than what is read at a time, and events across its edges.
func TestLongHistories(t *testing.T) {
	long := strings.Repeat("x", 600_000)
	text := fmt.Sprintf("{:type :invoke, :process 0, :f :write, :value %q}\n", long)
	var many strings.Builder
	many.WriteString(text)
	for i := range 20_000 {
		fmt.Fprintf(&many, "{:type :invoke, :process %d, :f :write, :value [[:r %d nil]]}\n", i+1, i)
	}
	h, err := edn.Read(strings.NewReader(many.String()), edn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if string(h.Ops[0].Value) != `"`+long+`"` || len(h.Ops) != 20_001 {
		t.Errorf("%d events, the first value has %d bytes", len(h.Ops), len(h.Ops[0].Value))
	}
	for i := range 20_000 {
		if want := fmt.Sprintf(`[["r",%d,null]]`, i); string(h.Ops[i+1].Value) != want {
			t.Fatalf("event %d: %s, not %s", i+1, h.Ops[i+1].Value, want)
		}
	}
}

// A file may not take the stack or the memory of who reads it.
func TestHostileFiles(t *testing.T) {
	for name, text := range map[string]string{
		"nested value":    "{:type :ok, :value " + strings.Repeat("[", 1_000_000),
		"nested file":     strings.Repeat("(", 1_000_000),
		"nested discards": strings.Repeat("#_", 1_000_000),
		"nested tags":     "{:value " + strings.Repeat("#a ", 1_000_000),
		"nested metadata": "{:value " + strings.Repeat("^", 1_000_000),
		"nested maps":     "{:value " + strings.Repeat("{", 1_000_000),
	} {
		if _, err := edn.Read(strings.NewReader(text), edn.Options{}); err == nil || !strings.Contains(err.Error(), "more than 1000 deep") {
			t.Errorf("%s: %v", name, err)
		}
	}
	endless := io.MultiReader(strings.NewReader(`{:f "`), endlessReader{})
	if _, err := edn.Read(endless, edn.Options{}); err == nil || !strings.Contains(err.Error(), "not a history") {
		t.Errorf("endless string: %v", err)
	}
}

type endlessReader struct{}

func (endlessReader) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// Errors of the disk must not pass for the end of the file.
func TestErrorsOfTheReader(t *testing.T) {
	broken := errors.New("the disk is broken")
	for _, text := range []string{"", "{:type :ok, :f :read, :value ", "{:type :ok} ; ", `{:type :ok} #`, `{:f "x`, "[1 2 #_"} {
		if _, err := edn.Read(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)), edn.Options{}); err == nil {
			t.Errorf("EDN after %q: no error", text)
		}
	}
	for _, text := range []string{"", "0 :ok :read nil\n", "0 :ok"} {
		if _, err := edn.ReadLog(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)), edn.Options{}); !errors.Is(err, broken) {
			t.Errorf("log after %q: %v", text, err)
		}
	}
	if err := edn.Write(brokenWriter{broken}, history.New([]history.Op{{F: "read"}})); !errors.Is(err, broken) {
		t.Errorf("write: %v", err)
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestWhatCannotBeWritten(t *testing.T) {
	for name, op := range map[string]history.Op{
		"type":  {F: "read", Type: 9},
		"value": {F: "write", Value: json.RawMessage("[1")},
	} {
		if err := edn.Write(io.Discard, history.New([]history.Op{op})); err == nil || !strings.Contains(err.Error(), "event 0") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzRead: whatever the file, Read answers; what it accepts is a valid
// history of JSON values that survives being written and read again.
func FuzzRead(f *testing.F) {
	f.Add([]byte(everything))
	f.Add([]byte(`{:type :invoke, :process 1, :f :read, :value [7 nil]}{:type :info :process :nemesis :f :start}`))
	f.Add([]byte(`({:type :ok :value #:a{b [\a 1/2 ##Inf "\u00e9"]}})`))
	f.Add([]byte("{:type :ok :process 3}{:type :ok :process 3 :time 4}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		h, err := edn.Read(bytes.NewReader(text), edn.Options{})
		if err != nil {
			return
		}
		if err := h.Validate(); err != nil {
			t.Fatal(err)
		}
		first := jsonLines(t, h)
		var out bytes.Buffer
		if err := edn.Write(&out, h); err != nil {
			t.Fatal(err)
		}
		back, err := edn.Read(&out, edn.Options{})
		if err != nil {
			t.Fatalf("%v\n%s", err, first)
		}
		if diff := cmp.Diff(first, jsonLines(t, back)); diff != "" {
			t.Fatalf("(-first +second):\n%s", diff)
		}
	})
}

func FuzzReadLog(f *testing.F) {
	f.Add([]byte("INFO  jepsen.util - 0\t:invoke\t:write\t3\n0 :info :write :timed-out"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if h, err := edn.ReadLog(bytes.NewReader(text), edn.Options{}); err == nil {
			if err := h.Validate(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
