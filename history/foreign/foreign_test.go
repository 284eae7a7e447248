package foreign_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/cockroachdb/datadriven"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/history/edn"
	"github.com/shakedown-dev/shakedown/history/foreign"
)

// Without this test nobody could look up what of each format becomes what of
// ours. Run with -rewrite after a change, and read the difference.
func TestFormats(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		if strings.Contains(path, "fuzz") {
			return
		}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var hint string
			d.MaybeScanArgs(t, "format", &hint)
			h, format, err := foreign.ReadAny(strings.NewReader(d.Input+"\n"), hint)
			if err != nil {
				return fmt.Sprintf("error: %v\n", err)
			}
			return fmt.Sprintf("%v\n%s", format, describe(h))
		})
	})
}

func describe(h *history.History) string {
	var s strings.Builder
	for _, op := range h.Ops {
		words := []string{fmt.Sprintf("#%d %v p%d %v %s", op.Index, op.Time, op.Process, op.Type, op.F), op.Key, string(op.Value)}
		if op.Error != "" {
			words = append(words, "("+op.Error+")")
		}
		words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
		fmt.Fprintln(&s, strings.Join(words, " "))
	}
	if h.SessionOnly {
		s.WriteString("session order only\n")
	}
	return s.String()
}

func TestSniff(t *testing.T) {
	for _, test := range []struct {
		first, name string
		want        foreign.Format
	}{
		{`{"index":0,"time_ns":1,"process":0,"type":"invoke","f":"read"}`, "", foreign.Shakedown},
		{"\xef\xbb\xbf\n" + `{"index":0,"time_ns":1}`, "x.txt", foreign.Shakedown},
		{`{"type":"invoke"}`, "history.jsonl", foreign.JepsenJSON},
		{"[ { \n \"type\"", "", foreign.JepsenJSON},
		{"{:type :invoke", "", foreign.JepsenEDN},
		{"; a comment\n; and more\n\n[{:type :invoke", "", foreign.JepsenEDN},
		{"; a comment", "", foreign.JepsenEDN},
		{edn.Ours + "{:index 0", "", foreign.ShakedownEDN},
		{"; shakedown is a fine word", "", foreign.JepsenEDN},
		{"({:type", "x.log", foreign.JepsenEDN},
		{"#jepsen.history.Op{:type", "", foreign.JepsenEDN},
		{"[]", "", foreign.JepsenEDN},
		{"{:process 9, :type :invoke, :f :append, :key \"0\"", "", foreign.PorcupineKV},
		{"{:process 9, :type :invoke, :f :append, :value [:key 3]", "", foreign.JepsenEDN},
		{"{:process 9 :type :invoke :f :txn :value [[:append 3 1]]}\n{:key 3}", "", foreign.JepsenEDN},
		{"INFO  jepsen.util - 0\t:invoke\t:read\tnil", "", foreign.JepsenLog},
		{"what a day\nINFO  jepsen.util - :nemesis\t:info\t:start\tnil", "", foreign.JepsenLog},
		{"0\t:invoke\t:read\tnil", "history.txt", foreign.JepsenLog},
		{"w 0 1", "", foreign.AWDIT},
		{"=====\nw 0 1", "", foreign.AWDIT},
		{"r(1,0,0,0)", "", foreign.Plume},
		{"# @object atomic-queue", "", foreign.LiMo},
		{"# POPL 2015\n# @object atomic-stack", "", foreign.LiMo},
		{"[1] call deq", "", foreign.LiMo},
		{"# queue\nenq 2 0 1", "", foreign.LeeMathur},
		{"# queue\n0 1 4 ENQ 30", "", foreign.LeeMathur},
		{"3 deq -1 4 6", "", foreign.LeeMathur},
		{"", "a/history.edn", foreign.JepsenEDN},
		{"", "a/history.jsonl", foreign.Shakedown},
		{"", "a/history.json", foreign.JepsenJSON},
		{" \n", "a.HIST", foreign.LiMo},
		{"", "", foreign.Unknown},
		{"%PDF-1.4", "x.pdf", foreign.Unknown},
		{"<html>", "history", foreign.Unknown},
	} {
		if got := foreign.Sniff([]byte(test.first), test.name); got != test.want {
			t.Errorf("%q %q: %v, not %v", test.first, test.name, got, test.want)
		}
	}
}

func TestNamesOfFormats(t *testing.T) {
	for f := foreign.Shakedown; f <= foreign.ShakedownEDN; f++ {
		if back, err := foreign.ParseFormat(f.String()); err != nil || back != f {
			t.Errorf("%v comes back as %v, %v", f, back, err)
		}
	}
	for _, name := range []string{"", "unknown", "edn"} {
		if f, err := foreign.ParseFormat(name); err == nil {
			t.Errorf("%q is %v", name, f)
		}
	}
	if s := foreign.Format(99).String(); s != "Format(99)" {
		t.Error(s)
	}
}

// Errors of the disk must not pass for the end of the file, in any format.
func TestErrorsOfTheReader(t *testing.T) {
	broken := errors.New("the disk is broken")
	for f := foreign.Shakedown; f <= foreign.ShakedownEDN; f++ {
		if _, err := f.Read(iotest.ErrReader(broken)); !errors.Is(err, broken) {
			t.Errorf("%v: %v", f, err)
		}
	}
	if _, _, err := foreign.ReadAny(iotest.ErrReader(broken), ""); !errors.Is(err, broken) {
		t.Errorf("any: %v", err)
	}
	if _, _, err := foreign.ReadAny(io.MultiReader(strings.NewReader("w 0 1\n"), iotest.ErrReader(broken)), ""); !errors.Is(err, broken) {
		t.Errorf("any, later: %v", err)
	}
}

// FuzzReadAny: whatever the file, there is an answer, and what is accepted is
// a valid history.
func FuzzReadAny(f *testing.F) {
	for _, text := range []string{
		"# queue\nenq 2 0 1\n1 2 3 DEQ 2\n", "# @object atomic-stack\n[1] call push(1)\n[1] return\n[2] call pop 3\n",
		"w 0 1\n-----\nr 0 1\n=====\n", "r(1,0,0,0)\nw(1,1,0,-1)\n", "0\t:invoke\t:read\tnil\n",
		`[{"type":"ok","process":"x","value":[1, null]}]`, "{:process 9, :type :invoke, :f :append, :key \"0\" :value nil}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		formats := []foreign.Format{foreign.Sniff(text, ""), foreign.LiMo, foreign.LeeMathur, foreign.AWDIT, foreign.Plume, foreign.JepsenJSON}
		for _, format := range formats {
			if h, err := format.Read(bytes.NewReader(text)); err == nil {
				if err := h.Validate(); err != nil {
					t.Fatalf("%v: %v", format, err)
				}
				_, _ = h.Operations(), h.Faults()
			}
		}
	})
}
