package txn

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/history/foreign"
)

// readShared reads one of the histories with known verdicts, which are kept
// beside the repository.
func readShared(t testing.TB, name string) *history.History {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "histories", name)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("the histories with known verdicts are not here: %v", err)
	}
	h, _, err := foreign.ReadAny(bytes.NewReader(text), name)
	if err != nil {
		t.Fatal(err)
	}
	return h
}
