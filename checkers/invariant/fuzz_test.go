package invariant

import (
	"context"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
)

// FuzzLoad: whatever a file of rules holds, it is refused with a place or
// judges within its limits: nothing panics, and nothing runs on.
func FuzzLoad(f *testing.F) {
	for _, src := range scripts(f) {
		f.Add(src)
	}
	limits := Limits{Steps: 20_000, Bytes: 1 << 20, State: 1 << 20, Frontier: 200}
	f.Fuzz(func(t *testing.T, src string) {
		rules, err := Load("fuzz.star", []byte(src))
		if err != nil {
			if err.Error() == "" || len(err.Error()) > 4096 {
				t.Fatalf("the error is %d bytes long", len(err.Error()))
			}
			return
		}
		h := parseHistory(t, one)
		for _, r := range rules[:min(len(rules), 3)] {
			r.limits = limits
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			result := r.Check(ctx, h)
			cancel()
			for _, p := range result.Pages {
				if p.Name == "panic.txt" {
					t.Fatalf("%q panics: %v", src, result.Says)
				}
			}
			if len(result.Says) == 0 || result.Verdict > checkers.Violation {
				t.Fatalf("%q: %+v says nothing", src, result)
			}
		}
	})
}

// scripts are those that come with us, and snares.
func scripts(f *testing.F) []string {
	out := []string{
		"invariant(name = \"x\", each_op = lambda op: op.value < 3)", "x = [0] * 1000000000", "x = \"a\" * 100000000000",
		"def f(x):\n    return f(x)\ninvariant(name=\"r\", each_op=f)", "invariant(name=\"l\", each_op=lambda op: len(range(10000000)) > 0)",
		"invariant(name=\"f\", each_op=lambda op: fail(\"%s\" % op))", strings.Repeat("(", 3000), "load(\"/etc/passwd\", \"x\")",
	}
	err := fs.WalkDir(os.DirFS("."), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".star") {
			return err
		}
		text, err := os.ReadFile(path)
		out = append(out, string(text))
		return err
	})
	if err != nil || len(out) < 10 {
		f.Fatalf("%d scripts: %v", len(out), err)
	}
	return out
}
