package history_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// victimFile, when set, makes the test binary the process that gets killed.
const victimFile = "SHAKEDOWN_TEST_VICTIM_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(victimFile); path != "" {
		if err := beVictim(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1) // it never ends by itself
	}
	os.Exit(m.Run())
}

// beVictim appends operations as fast as it can and says on stdout the index
// of every invocation after it was appended.
func beVictim(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	begin := time.Now()
	w := history.NewWriter(file, func() time.Duration { return time.Since(begin) })
	var clients sync.WaitGroup
	for client := range 4 {
		clients.Go(func() {
			for {
				op, err := w.Append(invoke(client))
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				// One write each, past any buffer: what was said, stays said.
				fmt.Fprintf(os.Stdout, "%d\n", op.Index)
				if _, err := w.Append(ok(client)); err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
			}
		})
	}
	clients.Wait()
	return w.Close()
}

// Without this test kill -9 could lose an operation that had been sent: a
// write out of nowhere, and a false alarm.
func TestKillInMidWriteLosesNoInvocation(t *testing.T) {
	for round := range 5 {
		path := t.TempDir() + "/history.jsonl"
		said := killWhenItSaid(t, path, 200+round*997)
		h, err := history.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, index := range said {
			if index >= len(h.Ops) {
				t.Fatalf("event %d was appended, but the file ends with %d", index, len(h.Ops)-1)
			}
			if h.Ops[index].Type != history.Invoke {
				t.Fatalf("event %d is %v", index, h.Ops[index])
			}
		}
		t.Logf("%d invocations said, %d events in the file, truncated=%t", len(said), len(h.Ops), h.Truncated)
	}
}

// killWhenItSaid starts a victim, kills it -9 once it said n indexes, and
// returns all that it said.
func killWhenItSaid(t *testing.T, path string, n int) []int {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	victim := exec.CommandContext(t.Context(), executable)
	victim.Env = append(os.Environ(), victimFile+"="+path)
	victim.Stderr = os.Stderr
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	var said []int
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break // a piece of a line was not said
		}
		if err != nil {
			t.Fatal(err)
		}
		index, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		if said = append(said, index); len(said) == n {
			if err := victim.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = victim.Wait() // killed
	if len(said) < n {
		t.Fatalf("the victim died by itself after %d of %d", len(said), n)
	}
	return said
}
