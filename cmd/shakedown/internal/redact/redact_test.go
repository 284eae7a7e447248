package redact

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/catalog"
	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/history/foreign"
)

// verdictOf lets one check judge.
func verdictOf(t *testing.T, h *history.History, spec catalog.Spec) checkers.Verdict {
	t.Helper()
	c, err := catalog.New(spec)
	if err != nil {
		t.Fatalf("%+v: %v", spec, err)
	}
	return checkers.Run(context.Background(), h, []checkers.Checker{c}).Verdict
}

// kept finds the level that hides most and keeps the verdict.
func kept(t *testing.T, h *history.History, spec catalog.Spec, want checkers.Verdict) (Level, bool) {
	t.Helper()
	for _, l := range Levels() {
		if verdictOf(t, NewTokens(l).History(h), spec) == want {
			return l, true
		}
	}
	return Level{}, false
}

// specs are questions that can be asked of any history.
func specs() []catalog.Spec {
	var out []catalog.Spec
	skip := []string{"recovery", "availability", "latency", "logs", "earned", "stats", "command", "invariant"} // they look at no value, or at nobody's
	for _, k := range catalog.Names() {
		switch {
		case slices.Contains(skip, k.Name):
		case len(k.Models) > 0:
			for _, m := range k.Models {
				out = append(out, catalog.Spec{Check: k.Name, Model: m})
			}
		default:
			out = append(out, catalog.Spec{Check: k.Name})
		}
	}
	return out
}

// A tally says for each check and verdict how often a level was enough.
type tally map[string]map[Level]int

func (c tally) add(spec catalog.Spec, v checkers.Verdict, l Level) {
	name := strings.TrimSpace(spec.Check+" "+spec.Model) + " " + v.String()
	if c[name] == nil {
		c[name] = map[Level]int{}
	}
	c[name][l]++
}

// Whatever a check says of the examples by which it is specified, it says of
// them redacted.
func TestVerdictsStayOnTheExamplesOfTheCheckers(t *testing.T) {
	seen := tally{}
	known := specs()
	for _, dir := range []string{"fold/testdata/tiny", "object/testdata"} {
		datadriven.Walk(t, filepath.Join("../../../../checkers", dir), func(t *testing.T, path string) {
			datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
				stays(t, d, known, seen)
				return d.Expected
			})
		})
	}
	for _, name := range []string{"set", "set-full", "total-queue", "counter", "unique-ids", "bank", "long-fork", "write-skew", "monotonic",
		"sequential", "causal", "causal-reverse", "session", "log", "leader", "convergence",
		"linearizable mutex", "linearizable lock", "linearizable lease", "linearizable fencing", "linearizable queue",
		"linearizable stack", "linearizable priority-queue", "linearizable bag", "linearizable deque", "linearizable set", "linearizable log",
		"linearizable counter", "linearizable kv"} {
		if seen[name+" violation"] == nil {
			t.Errorf("no example of %s is a violation", name)
		}
	}
	for _, name := range []string{"set", "set-full", "total-queue", "counter", "bank", "log", "linearizable lock", "linearizable queue"} {
		if seen[name+" valid"] == nil {
			t.Errorf("no example of %s is valid", name)
		}
	}
	// A check that only compares must not cost the numbers.
	for _, name := range []string{"set violation", "total-queue violation", "long-fork violation", "unique-ids violation", "monotonic violation",
		"linearizable queue violation", "linearizable stack violation", "linearizable lock violation", "linearizable kv violation"} {
		if seen[name][Level{Numbers: true, Names: true}] == 0 {
			t.Errorf("%s is never kept when everything is replaced: %v", name, seen[name])
		}
	}
}

// stays judges an example with its numbers and words and without, if it is one of
// a check that is known, or of a model.
func stays(t *testing.T, d *datadriven.TestData, known []catalog.Spec, seen tally) {
	name := d.Cmd
	isModel := strings.Contains(d.Pos, "object/testdata")
	i := slices.IndexFunc(known, func(s catalog.Spec) bool {
		return !isModel && s.Check == name || isModel && s.Check == "linearizable" && s.Model == name
	})
	text := d.Input
	if isModel {
		text = faultLine.ReplaceAllString(text, "") // they change what is said, and no verdict
	}
	h, ok := tiny(t, text)
	if !ok || i < 0 {
		return
	}
	spec := known[i]
	spec.Options = map[string][]string{}
	for _, a := range d.CmdArgs {
		spec.Options[strings.ReplaceAll(a.Key, "-", "_")] = []string{"true"}
	}
	if _, err := catalog.New(spec); err != nil {
		return // it was told something that the catalog calls otherwise
	}
	want := verdictOf(t, h, spec)
	l, ok := kept(t, h, spec, want)
	switch {
	case ok:
		seen.add(known[i], want, l)
	case name == "kv" && strings.Contains(d.Input, " append "):
		// What is put together from texts is not put together from their tokens:
		// such a run cannot be redacted, and whoever asks for it is told so.
	default:
		t.Errorf("%s: no level keeps the verdict %s", d.Pos, want)
	}
}

// faultLine is a line of an example that is about a fault.
var faultLine = regexp.MustCompile(`(?m)^fault .*$`)

// The histories of other projects lie beside the repository, in ../shared;
// where they do not, this test is skipped.
func TestVerdictsStayOnTheHistoriesOfOthers(t *testing.T) {
	const dir = "../../../../../shared/histories"
	if _, err := os.Stat(dir); err != nil {
		t.Skip("there is no ../shared/histories beside the repository")
	}
	seen := tally{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || strings.HasSuffix(path, ".tsv") || strings.HasSuffix(path, ".md") {
			return err
		}
		info, err := e.Info()
		if err != nil || info.Size() > 20_000 {
			return err
		}
		h := readShared(t, path)
		if h == nil {
			return nil
		}
		for _, spec := range shortSpecs() {
			want := verdictOf(t, h, spec)
			if want == checkers.Unknown {
				continue
			}
			l, ok := kept(t, h, spec, want)
			if !ok {
				t.Errorf("%s %s: no level keeps %s", path, spec.Check, want)
			}
			seen.add(spec, want, l)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"linearizable cas-register valid", "linearizable cas-register violation", "list-append valid", "list-append violation", "rw-register valid", "rw-register violation"} {
		if seen[name][Level{Numbers: true, Names: true}] == 0 {
			t.Errorf("%s is never kept when everything is replaced: %v", name, seen[name])
		}
	}
}

// shortSpecs are those questions that are answered at once.
func shortSpecs() []catalog.Spec {
	out := []catalog.Spec{{Check: "linearizable", Model: "cas-register"}, {Check: "linearizable", Model: "register"}, {Check: "list-append"}, {Check: "rw-register"}, {Check: "set"}, {Check: "set-full"}, {Check: "counter"}}
	for i := range out {
		out[i].Timeout = 10 * time.Second
	}
	return out
}

func readShared(t *testing.T, path string) *history.History {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h, _, err := foreign.ReadAny(f, path)
	if err != nil {
		return nil // not a history
	}
	return h
}

// What is equal stays equal, what is different different; numbers keep
// their order and their sign; what is replaced twice is replaced alike.
func TestTokensKeepWhatChecksCompare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.OneOf(
			rapid.Map(rapid.Int64(), func(n int64) any { return n }),
			rapid.Map(rapid.Int64Range(-3, 3), func(n int64) any { return n }),
			rapid.Map(rapid.StringMatching(`[a-z]{0,3}`), func(s string) any { return s }),
			rapid.Just[any](nil), rapid.Just[any](true), rapid.Map(rapid.Float64Range(0.1, 0.9), func(f float64) any { return f }),
		), 1, 20).Draw(t, "values")
		level := rapid.SampledFrom(Levels()).Draw(t, "level")
		tokens := NewTokens(level)
		var raw []json.RawMessage
		for _, v := range values {
			text, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			raw = append(raw, text)
			tokens.See("", text)
		}
		for i := range raw {
			for j := range raw {
				a, b := tokens.Value(raw[i]), tokens.Value(raw[j])
				if bytes.Equal(raw[i], raw[j]) != bytes.Equal(a, b) {
					t.Fatalf("%s and %s become %s and %s", raw[i], raw[j], a, b)
				}
				x, isX := values[i].(int64)
				y, isY := values[j].(int64)
				if !isX || !isY {
					continue
				}
				var m, n int64
				if json.Unmarshal(a, &m) != nil || json.Unmarshal(b, &n) != nil {
					t.Fatalf("%s and %s are no whole numbers", a, b)
				}
				if (x < y) != (m < n) || (x < 0) != (m < 0) || (x == 0) != (m == 0) {
					t.Fatalf("%d and %d become %d and %d", x, y, m, n)
				}
			}
		}
	})
}

// No text of a client comes through, in whatever place it stands.
func TestNoTextComesThrough(t *testing.T) {
	const marker = "s3cret"
	h := history.New([]history.Op{
		{Process: 0, F: "write", Key: marker + "-key", Value: json.RawMessage(`["` + marker + `",{"` + marker + `":["` + marker + `x"]},{"k":"` + marker + `"}]`)},
		{Index: 1, Process: 0, Type: history.Info, F: "write", Key: marker + "-key", Value: json.RawMessage(`"` + marker + `"`), Error: "no route to " + marker},
	})
	for _, l := range Levels() {
		got := NewTokens(l).History(h).String()
		if !l.Names {
			got = strings.ReplaceAll(got, `{"`+marker+`":`, "")
		}
		if strings.Contains(got, marker) {
			t.Errorf("level %+v: %s", l, got)
		}
	}
	if !strings.Contains(h.String(), marker) {
		t.Error("the history itself was changed")
	}
}

// A number that stands as text where a key is, is the same number.
func TestNumbersAsText(t *testing.T) {
	tokens := NewTokens(Level{Numbers: true, Names: true})
	tokens.See("70", json.RawMessage(`{"70":[70,900,"900"]}`))
	if got := tokens.Key("70") + " " + string(tokens.Value(json.RawMessage(`{"70":[70,900,"900","007"]}`))); got != `1 {"1":[1,2,"2","t1"]}` {
		t.Errorf("got %s", got)
	}
	if got := string(tokens.Value(json.RawMessage(`no json`))); got != "null" {
		t.Errorf("what is no JSON becomes %s", got)
	}
}

func TestCommand(t *testing.T) {
	got := Command([]string{"shakedown", "run", "/srv/secret-project/my.yaml", "--set", "system.env.API=hunter2", "--set=client.operations.read.header.X=hunter2",
		"--password", "hunter2", "--token=hunter2", "--data-dir=/var/lib/x", "--seed", "7", "--name=n1"})
	want := []string{"shakedown", "run", "my.yaml", "--set", "system.env.API=redacted", "--set=client.operations.read.header.X=redacted",
		"--password", "redacted", "--token=redacted", "--data-dir=x", "--seed", "7", "--name=n1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEnvironment(t *testing.T) {
	got := Environment(map[string]string{"PATH": "/bin", "API_TOKEN": "hunter2", "MODE": "fast"})
	if diff := cmp.Diff(map[string]string{"PATH": "/bin", "API_TOKEN": "redacted", "MODE": "redacted"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if Environment(nil) != nil {
		t.Error("of none there is some")
	}
}

// What a check looks for is found in as many lines as before, and nothing else
// is left.
func TestLog(t *testing.T) {
	in := "2026-11-22T10:15:02Z user ada logged in\npanic: user ada\tpanic:panic: x\n\n  10:15:02 last line, no newline: data corruption"
	want := "2026-11-22T10:15:02Z · · · ·\npanic: · ·\tpanic:panic: ·\n\n  10:15:02 · · · · data corruption"
	var b bytes.Buffer
	if err := Log(&b, strings.NewReader(in), []string{"panic:", "data corruption", ""}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`([a-c é\n\t]|panic:){0,60}`).Draw(t, "log")
		var b bytes.Buffer
		if err := Log(&b, strings.NewReader(text), []string{"panic:"}); err != nil {
			t.Fatal(err)
		}
		for _, count := range []string{"\n", "panic:"} {
			if strings.Count(text, count) != strings.Count(b.String(), count) {
				t.Fatalf("%q becomes %q", text, b.String())
			}
		}
		if rest := strings.ReplaceAll(b.String(), "panic:", ""); regexp.MustCompile(`[a-z]`).MatchString(rest) {
			t.Fatalf("%q becomes %q", text, b.String())
		}
	})
}
