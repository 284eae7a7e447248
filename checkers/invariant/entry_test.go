package invariant

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/shakedown-dev/shakedown/checkers"
)

func files() fstest.MapFS {
	return fstest.MapFS{
		"one.star":      {Data: []byte(`invariant(name = "only", says = "From the file.", origin = "file", each_op = lambda op: op.ok)`)},
		"two.star":      {Data: []byte("invariant(name = \"first\", each_op = lambda op: True)\ninvariant(name = \"second\", each_op = lambda op: False)")},
		"bad.star":      {Data: []byte("\n\n  x = ")},
		"large.star":    {Data: []byte(strings.Repeat("#", maxSource+1))},
		"sub/deep.star": {Data: []byte(`invariant(name = "deep", each_op = lambda op: True)`)},
	}
}

func TestFromEntry(t *testing.T) {
	for name, test := range map[string]struct {
		entry     Entry
		is        string
		violation bool
	}{
		"where":        {Entry{Name: "w", Where: "op.value == 3"}, "w", true},
		"only rule":    {Entry{Spec: "one.star"}, "only", false},
		"by name":      {Entry{Name: "second", Spec: "two.star"}, "second", true},
		"other words":  {Entry{Name: "only", Says: "Mine.", Origin: "me", Spec: "one.star"}, "only", false},
		"sub folder":   {Entry{Name: "deep", Spec: "sub/deep.star"}, "deep", false},
		"bundled":      {Entry{Use: "monotonic-register"}, "monotonic-register", false},
		"bundled name": {Entry{Name: "versions", Use: "monotonic-register"}, "versions", false},
		"program":      {Entry{Name: "mine", Run: []string{program(t, `cat >/dev/null; echo '{"verdict":"violation"}'`)}}, "mine", true},
	} {
		test.entry.Files = files()
		checker, err := FromEntry(test.entry)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		result := checker.Check(context.Background(), parseHistory(t, one))
		if checker.Name() != test.is || result.Check != test.is || (result.Verdict == checkers.Violation) != test.violation || result.Verdict == checkers.Unknown {
			t.Errorf("%s: %s %s", name, checker.Name(), describe(result))
		}
	}
}

func TestFromEntryWords(t *testing.T) {
	checker, err := FromEntry(Entry{Name: "w", Says: "Nobody reads 3", Origin: "INC-3.", Where: "op.value == 3"})
	if err != nil {
		t.Fatal(err)
	}
	result := checker.Check(context.Background(), parseHistory(t, one))
	if want := "Broken: Nobody reads 3. (It comes from: INC-3.)"; result.Says[0] != want {
		t.Errorf("got %q, want %q", result.Says[0], want)
	}
}

func TestFromEntryErrors(t *testing.T) {
	for _, test := range []struct {
		entry Entry
		says  string
	}{
		{Entry{Name: "a"}, "give one of where, spec, use and run"},
		{Entry{Name: "a", Where: "op.ok", Use: "lease"}, "has where and use"},
		{Entry{Where: "op.ok"}, "needs a name"},
		{Entry{Run: []string{"x"}}, "needs a name"},
		{Entry{Name: "a", Where: "op.ok and"}, "a: where:1:10: "},
		{Entry{Name: "a", Spec: "none.star"}, "file does not exist"},
		{Entry{Name: "a", Spec: "../one.star"}, "is not the path of a file in the scenario's folder"},
		{Entry{Name: "a", Spec: "bad.star"}, "bad.star:3:"},
		{Entry{Name: "a", Spec: "large.star"}, "at most 65536 are read"},
		{Entry{Name: "secnd", Spec: "two.star"}, `has no rule called "secnd", but "first" and "second" (did you mean "second"?)`},
		{Entry{Spec: "two.star"}, `has no rule called ""`},
		{Entry{Use: "leese"}, `(did you mean "lease"?)`},
	} {
		test.entry.Files = files()
		checker, err := FromEntry(test.entry)
		if err == nil || checker != nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%+v: %v", test.entry, err)
		}
	}
	if _, err := FromEntry(Entry{Name: "a", Spec: "one.star"}); err == nil {
		t.Error("a file is found without a folder")
	}
	_, err := FromEntry(Entry{Name: "a", Where: "op.ok and"})
	var script *ScriptError
	if !errors.As(err, &script) || script.Line != 1 || script.Column != 10 {
		t.Errorf("no position in %v", err)
	}
}

// TestBundled: every rule that comes with us can be loaded, has its words, is
// called like its file, and has a file of tests with a history that satisfies
// it, one that breaks it, and one that says nothing.
func TestBundled(t *testing.T) {
	want := []string{"idempotent-payment", "lease", "lock-fencing", "monotonic-register", "one-leader-per-term", "queue-drained", "queue-redelivery", "reconciler-converges"}
	if !slices.Equal(Bundled(), want) {
		t.Fatalf("bundled are %v", Bundled())
	}
	for _, name := range want {
		r, err := UseBundled(name)
		if err != nil || r.name != name || r.says == "" || r.origin == "" {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}
