package object

import (
	"context"
	"os"
	"testing"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history/foreign"
)

// TestShortWitness: a mutex of etcd's that hundreds of operations led to, with
// five clients at once, is told by a handful of them. It reads ../shared.
func TestShortWitness(t *testing.T) {
	const path = "../../../shared/histories/elle-cli/knossos/mutex/bad/etcd.edn"
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("the histories of others are not here: %v", err)
	}
	defer f.Close()
	h, _, err := foreign.ReadAny(f, path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New("mutex", Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := c.Check(context.Background(), h)
	if r.Verdict != checkers.Violation || len(r.Evidence) == 0 || len(r.Evidence) > 8 || len(r.Findings) != 1 {
		t.Errorf("%v %v %v", r.Verdict, r.Evidence, r.Says)
	}
	t.Log(r.Says)
}
