package invariant

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/shakedown-dev/shakedown/checkers"
)

// TestReadme: every example of the guide can be loaded, and runs.
func TestReadme(t *testing.T) {
	guide, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(guide), "```python\n")[1:]
	if len(blocks) < 2 {
		t.Fatalf("only %d examples", len(blocks))
	}
	h := parseHistory(t, `plan nodes=n1
fault k kill n1 [s:1,2]
p1 n1 write   a 1   [s:3,3.1] ok
p2 n1 read    a =>1 [s:4,4.1] ok
p2 n1 next_id - =>7 [s:5,5.1] ok
p2 n1 next_id - =>8 [s:6,6.1] ok
phase end s:30`)
	for _, block := range blocks {
		src, _, _ := strings.Cut(block, "```")
		rules, err := Load("README.md", []byte(src))
		if err != nil {
			t.Errorf("%v\n%s", err, src)
		}
		for _, r := range rules {
			if result := r.Check(context.Background(), h); result.Verdict != checkers.Valid {
				t.Errorf("%s: %s", r.Name(), describe(result))
			}
		}
	}
	for _, name := range Bundled() {
		if !strings.Contains(string(guide), "| `"+name+"` |") {
			t.Errorf("the guide does not tell of %s", name)
		}
	}
	for _, name := range (&op{}).AttrNames() {
		if !strings.Contains(string(guide), "`op."+name+"`") {
			t.Errorf("the guide does not tell of op.%s", name)
		}
	}
	for _, name := range (&wholeValue{}).AttrNames() {
		if !strings.Contains(string(guide), "`"+name) {
			t.Errorf("the guide does not tell of h.%s", name)
		}
	}
}
