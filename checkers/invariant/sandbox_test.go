package invariant

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.starlark.net/starlark"

	"github.com/shakedown-dev/shakedown/checkers"
)

// one is a history with one operation, whose value is 3.
const one = "p1 n1 read a =>3 [10,20] ok"

// TestGreedy: whatever takes too much is stopped, makes the rule unknown, says
// where it is, and did not really take it.
func TestGreedy(t *testing.T) {
	tests := map[string]string{
		"endless":            "for i in range(10000000):\n  for j in range(10000000):\n    pass",
		"double list":        "x = [1]\nfor i in range(60):\n  x = x + x",
		"double in place":    "x = [1]\nfor i in range(60):\n  x += x",
		"double string":      "x = \"ab\"\nfor i in range(60):\n  x += x",
		"double item":        "x = [\"ab\"]\nfor i in range(60):\n  x[0] += x[0]",
		"double dict":        "x = {}\nfor i in range(10000000):\n  x = x | {i: x}",
		"times":              "x = [0] * 1000000000",
		"times assigned":     "x = [0]\nx *= 1000000000",
		"times string":       "x = 1000000000 * \"x\"",
		"times item":         "x = [[0]]\nx[0] *= 1000000000",
		"square":             "x = 3\nfor i in range(60):\n  x = x * x",
		"shift":              "x = 1\nl = []\nfor i in range(1000000):\n  x = x << 500\n  l.append(x)",
		"list of range":      "x = list(range(10000000))",
		"range":              "x = range(1000000000000)",
		"extend":             "x = []\nx.extend(range(10000000))",
		"tuple":              "x = tuple(range(10000000))",
		"sorted":             "x = sorted(range(10000000))",
		"star":               "def f(*a):\n  return a\nx = f(*range(10000000))",
		"join":               "x = (\"y\" * 1000000).join([\"\"] * 1000000)",
		"replace":            "x = (\"y\" * 1000000).replace(\"y\", \"z\" * 1000000)",
		"format":             "x = (\"{0}\" * 100000).format(\"z\" * 100000)",
		"percent":            "x = []\nfor i in range(100000):\n  x.append(\"%s\" % (\"z\" * 100000))",
		"slices":             "x = [0] * 100000\nl = []\nfor i in range(100000):\n  l.append(x[:])",
		"split":              "x = \"a \" * 100000\nl = []\nfor i in range(100000):\n  l.append(x.split(\" \"))",
		"items":              "x = dict([(i, i) for i in range(10000)])\nl = []\nfor i in range(100000):\n  l.append(x.items())",
		"comprehension":      "x = [[i] for i in range(10000000)]",
		"dict comprehension": "x = {i: i for i in range(10000000)}",
		"append":             "x = []\nfor i in range(10000000):\n  x.append(i)",
		"set item":           "x = {}\nfor i in range(10000000):\n  x[i] = i",
		"differences":        "x = set(range(10000))\nl = []\nfor i in range(100000):\n  l.append(x - set())",
		"closures":           "x = None\nfor i in range(10000000):\n  x = (lambda y: lambda: y)(x)",
		"shared str":         "x = [1]\nfor i in range(60):\n  x = [x, x]\ny = str(x)",
		"shared fail":        "x = [1]\nfor i in range(60):\n  x = [x, x]\nfail(x)",
		"shared percent":     "x = [1]\nfor i in range(60):\n  x = [x, x]\ny = \"%s\" % x",
		"deep str":           "x = [1]\nfor i in range(100000):\n  x = [x]\ny = str(x)",
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			src := "def check(op):\n  " + strings.ReplaceAll(body, "\n", "\n  ") + "\n  return True\ninvariant(name = \"greedy\", each_op = check)"
			rules, err := Load("greedy.star", []byte(src))
			if err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			result := rules[0].Check(context.Background(), parseHistory(t, one))
			runtime.ReadMemStats(&after)
			if result.Verdict != checkers.Unknown || result.Counts["script_errors"] != 1 {
				t.Fatalf("it was let pass: %s", describe(result))
			}
			if !strings.Contains(result.Says[0], "greedy.star:") || !strings.Contains(result.Says[1], "In hand was: read") {
				t.Errorf("not said where: %q", result.Says)
			}
			if took := int64(after.TotalAlloc - before.TotalAlloc); took > 600<<20 {
				t.Errorf("it took %d MB", took>>20)
			}
		})
	}
}

// TestGreedyState: what a rule keeps from call to call is bounded, too, and
// how deep it is nested.
func TestGreedyState(t *testing.T) {
	for name, step := range map[string]string{
		"list": "state + [\"x\" * 100000]", "deep": "[state]",
	} {
		rules, err := load("greedy.star", []byte("invariant(name = \"g\", init = [], step = lambda state, op: "+step+")"), Limits{State: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		result := rules[0].Check(context.Background(), registers(10_000))
		if result.Verdict != checkers.Unknown || result.Counts["script_errors"] != 1 || !strings.Contains(result.Says[0], "the state: ") {
			t.Errorf("%s: %s", name, describe(result))
		}
	}
}

// TestGreedyModel: a model with too many states, or too many ways, is unknown.
func TestGreedyModel(t *testing.T) {
	for name, test := range map[string]struct{ model, says string }{
		"states": {`model(name = "g", init = 0, step = lambda s, op: [s * 10000 + i for i in range(5000)])`, "ways to explain"},
		"large":  {`model(name = "g", init = "", step = lambda s, op: [s + "x" * 1000000])`, "more new values"},
		"many":   {`model(name = "g", init = "", step = lambda s, op: ["x" * 30000 + str(i) for i in range(100)])`, "more states than memory"},
		"next":   {`model(name = "g", init = 0, step = lambda s, op: list(range(20000)))`, "at most 10000 next states"},
	} {
		rules, err := load("greedy.star", []byte(test.model), Limits{State: 4 << 20, Frontier: 2000})
		if err != nil {
			t.Fatal(err)
		}
		result := rules[0].Check(context.Background(), registers(100))
		if result.Verdict != checkers.Unknown || !strings.Contains(strings.Join(result.Says, " "), test.says) {
			t.Errorf("%s: %s", name, describe(result))
		}
	}
}

// TestHang: a script that hangs inside one builtin is left behind. Its tuple is
// small, but to hash it means to walk it 2^26 times and more.
func TestHang(t *testing.T) {
	src := "def check(op):\n  x = (1,)\n  for i in range(30):\n    x = (x, x)\n  return x in {1: 1}\ninvariant(name = \"hang\", each_op = check)"
	rules, err := Load("hang.star", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	result := rules[0].Check(ctx, parseHistory(t, one))
	if result.Verdict != checkers.Unknown {
		t.Fatalf("%s", describe(result))
	}
}

// TestOutOfTime: when its time is up, a rule is unknown and says how far it got,
// but keeps the violation it found.
func TestOutOfTime(t *testing.T) {
	slow := "  for i in range(100000):\n    pass\n"
	rules, err := Load("slow.star", []byte("def check(op):\n"+slow+"  return op.index != 0\ninvariant(name = \"found\", each_op = check)\n"+
		"def check2(op):\n"+slow+"  return True\ninvariant(name = \"not-found\", each_op = check2)\n"))
	if err != nil {
		t.Fatal(err)
	}
	h := registers(100_000)
	for i, want := range []checkers.Verdict{checkers.Violation, checkers.Unknown} {
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		result := rules[i].Check(ctx, h)
		cancel()
		if result.Verdict != want {
			t.Errorf("%s", describe(result))
		}
		if want == checkers.Unknown && !strings.Contains(result.Says[0], "of 200000 events") {
			t.Errorf("it does not say how far it got: %q", result.Says)
		}
	}
}

// TestLoadBounded: reading a file cannot take the machine either.
func TestLoadBounded(t *testing.T) {
	for name, src := range map[string]string{
		"too long":   strings.Repeat("# x\n", maxSource),
		"nested":     "x = " + strings.Repeat("(", maxSource/2-10) + "1" + strings.Repeat(")", maxSource/2-10),
		"not not":    "x = " + strings.Repeat("not ", maxSource/4-10) + "1",
		"lambda":     "x = " + strings.Repeat("lambda: ", maxSource/8-10) + "1",
		"endless":    "for i in range(10000000):\n  for j in range(10000000):\n    pass",
		"large":      "x = [0] * 1000000000",
		"many rules": "for i in range(100000):\n  invariant(name = str(i), each_op = lambda op: True)",
		"binary":     "\x00\xff\x01",
	} {
		rules, err := Load("x.star", []byte(src))
		if err == nil || rules != nil {
			t.Errorf("%s was loaded", name)
		}
	}
}

// TestVocabulary: nothing of the world can be named, and the guards cannot be
// named at all.
func TestVocabulary(t *testing.T) {
	for _, name := range []string{"open", "time", "random", "getattr", "dir", "eval", "exec", "json", "math", "·call", "·plus", "__import__"} {
		if _, err := Where("r", "", "", name+"(1)"); err == nil {
			t.Errorf("%s can be named", name)
		}
	}
	for name := range vocabulary() {
		if strings.HasPrefix(name, "·") {
			continue
		}
		if _, err := Where("r", "", "", name+" == 1"); err != nil {
			t.Errorf("%s cannot be named: %v", name, err)
		}
	}
}

// TestGuardChangesNothing runs scripts with the guard and without: they must
// print the same.
func TestGuardChangesNothing(t *testing.T) {
	files, err := filepath.Glob("testdata/guard/*.star")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		words := vocabulary()
		program, err := compile(file, src, words, nil)
		if err != nil {
			t.Fatal(err)
		}
		guarded := newMachine(context.Background(), file, Limits{}.orDefault())
		defer guarded.close()
		_, err = guarded.call(starlark.NewBuiltin("top", func(thread *starlark.Thread, _ *starlark.Builtin, _ starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
			_, err := program.Init(thread, words)
			return starlark.None, err
		}))
		if err != nil {
			t.Fatal(err)
		}
		plain := newMachine(context.Background(), file, Limits{}.orDefault())
		defer plain.close()
		if _, err := starlark.ExecFileOptions(options(), plain.thread, file, src, starlark.StringDict{"sum": words["sum"]}); err != nil {
			t.Fatal(err)
		}
		if guarded.printed.String() != plain.printed.String() || plain.printed.Len() < 100 {
			t.Errorf("%s prints with the guard:\n%s\nand without:\n%s", file, guarded.printed.String(), plain.printed.String())
		}
	}
}

// TestSideBySide: one rule judges many histories at a time, and each as if it
// were alone.
func TestSideBySide(t *testing.T) {
	rules, err := Load("r.star", []byte(`
def step(state, op):
    state.append(op.index)
    if len(state) > 500:
        state.pop(0)
invariant(name = "fold", init = [], step = step, end = lambda state: len(state) == 500)
model(name = "model", init = [0], step = lambda s, op: [[op.input]] if op.f == "write" else [s] if s == [op.value] else [])
`))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan string)
	for i := range 8 {
		go func() {
			result := rules[i%2].Check(context.Background(), registers(2000))
			if result.Verdict != checkers.Valid {
				done <- describe(result)
				return
			}
			done <- ""
		}()
	}
	for range 8 {
		if wrong := <-done; wrong != "" {
			t.Error(wrong)
		}
	}
}
