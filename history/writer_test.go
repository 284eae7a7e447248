package history_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shakedown-dev/shakedown/history"
)

// A memory is a file that tells what it holds and how it got there. It can be
// made to fail, or to hold writes up.
type memory struct {
	mu     sync.Mutex
	buf    bytes.Buffer
	writes int
	// room is how many bytes fit; the write that does not is short, as on a
	// full disk. Negative means no limit.
	room int
	// gate, if not nil, is received from before each write.
	gate chan struct{}
}

var errFull = errors.New("no space left on device")

func (m *memory) Write(p []byte) (int, error) {
	if m.gate != nil {
		<-m.gate
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes++
	if m.room >= 0 && m.buf.Len()+len(p) > m.room {
		n, _ := m.buf.Write(p[:max(0, m.room-m.buf.Len())])
		return n, errFull
	}
	return m.buf.Write(p)
}

func (m *memory) lines() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return bytes.Count(m.buf.Bytes(), []byte("\n"))
}

func (m *memory) history(t *testing.T) *history.History {
	t.Helper()
	h, err := history.Read(bytes.NewReader(m.buf.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func ticking() func() time.Duration {
	var mu sync.Mutex
	var at time.Duration
	return func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		at++
		return at
	}
}

func invoke(process int) history.Op {
	return history.Op{Process: process, Type: history.Invoke, F: "write", Key: "x", Value: json.RawMessage("17")}
}

func ok(process int) history.Op {
	return history.Op{Process: process, Type: history.OK, F: "write", Key: "x"}
}

func mustAppend(t *testing.T, w *history.Writer, op history.Op) history.Op {
	t.Helper()
	stamped, err := w.Append(op)
	if err != nil {
		t.Fatal(err)
	}
	return stamped
}

// Without this test an operation could be sent whose invocation a kill -9 of
// the orchestrator would lose.
func TestInvocationsAndFaultsAreOutBeforeAppendReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := &memory{room: -1}
		w := history.NewWriter(file, ticking())
		mustAppend(t, w, invoke(0))
		if file.lines() != 1 {
			t.Errorf("after an invocation the file has %d lines", file.lines())
		}
		mustAppend(t, w, history.Op{Process: history.Nemesis, Type: history.Info, F: "kill", Value: json.RawMessage(`{"id":"k"}`)})
		if file.lines() != 2 {
			t.Errorf("after a nemesis event the file has %d lines", file.lines())
		}
		mustAppend(t, w, ok(0))
		if file.lines() != 2 {
			t.Errorf("the completion cost a write of its own")
		}
		time.Sleep(20*time.Millisecond - time.Nanosecond)
		if synctest.Wait(); file.lines() != 2 {
			t.Errorf("the completion did not wait for company")
		}
		time.Sleep(time.Nanosecond)
		if synctest.Wait(); file.lines() != 3 {
			t.Errorf("20 ms after a completion the file has %d lines", file.lines())
		}
		mustAppend(t, w, invoke(0))
		mustAppend(t, w, ok(0))
		time.Sleep(20 * time.Millisecond)
		if synctest.Wait(); file.lines() != 5 {
			t.Errorf("the flusher works only once: %d lines", file.lines())
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestCloseWritesWhatIsPending(t *testing.T) {
	file := &memory{room: -1}
	w := history.NewWriter(file, ticking())
	mustAppend(t, w, invoke(0))
	mustAppend(t, w, ok(0))
	for range 2 {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if h := file.history(t); len(h.Ops) != 2 || h.Truncated {
		t.Errorf("%d events", len(h.Ops))
	}
	if _, err := w.Append(invoke(0)); !errors.Is(err, history.ErrClosed) {
		t.Errorf("append after close: %v", err)
	}
}

// Without group commit ten clients on a slow disk would wait for ten writes.
func TestThoseWhoWaitAreWrittenTogether(t *testing.T) {
	const clients = 10
	file := &memory{room: -1, gate: make(chan struct{})}
	at := time.Duration(0)
	w := history.NewWriter(file, func() time.Duration {
		// The first write is held up until all have their stamp; the next one
		// cannot begin before the last of them is in the buffer.
		if at++; at == clients {
			close(file.gate)
		}
		return at
	})
	var all sync.WaitGroup
	for p := range clients {
		all.Go(func() { mustAppend(t, w, invoke(p)) })
	}
	all.Wait()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if file.lines() != clients || file.writes > 2 {
		t.Errorf("%d lines in %d writes", file.lines(), file.writes)
	}
}

// Without this test the order in the file, of the indexes and of the times
// could differ, and a checker would see time going backwards.
func TestOrderUnderConcurrency(t *testing.T) {
	const clients, each = 8, 500
	file := &memory{room: -1}
	begin := time.Now()
	w := history.NewWriter(file, func() time.Duration { return time.Since(begin) })
	stamped := make([][]history.Op, clients)
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			process := client
			chance := rand.New(rand.NewPCG(1, uint64(client)))
			for range each {
				stamped[client] = append(stamped[client], mustAppend(t, w, invoke(process)))
				complete := ok(process)
				if chance.IntN(5) == 0 {
					complete.Type = history.Info
					process += clients
				}
				stamped[client] = append(stamped[client], mustAppend(t, w, complete))
			}
		})
	}
	all.Wait()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	h := file.history(t) // Read validates
	if len(h.Ops) != 2*clients*each {
		t.Fatalf("%d events", len(h.Ops))
	}
	for _, ops := range stamped {
		for _, op := range ops {
			if diff := cmp.Diff(op, h.Ops[op.Index]); diff != "" {
				t.Fatalf("Append said otherwise than the file (-append +file):\n%s", diff)
			}
		}
	}
}

// Without this test a full disk could tear a line in the middle of the
// history, or let a run go on that nobody writes down.
func TestFirstWriteErrorEndsTheHistory(t *testing.T) {
	file := &memory{room: 230}
	w := history.NewWriter(file, ticking())
	var err error
	appended := 0
	for process := 0; err == nil; process++ {
		if _, err = w.Append(invoke(process)); err == nil {
			appended++
		}
	}
	if !errors.Is(err, errFull) || !strings.Contains(err.Error(), "write history: ") {
		t.Errorf("got %v", err)
	}
	file.room = -1 // there is room again, but the torn line stays
	writes := file.writes
	for _, op := range []history.Op{invoke(100), ok(0)} {
		if _, err := w.Append(op); !errors.Is(err, errFull) {
			t.Errorf("a later append: %v", err)
		}
	}
	for range 2 {
		if err := w.Close(); !errors.Is(err, errFull) {
			t.Errorf("close: %v", err)
		}
	}
	if file.writes != writes {
		t.Errorf("something was written after the torn line")
	}
	if h := file.history(t); len(h.Ops) != appended || !h.Truncated {
		t.Errorf("%d events, %d were appended, truncated=%t", len(h.Ops), appended, h.Truncated)
	}
}

// A completion that the flusher could not write is not lost silently.
func TestErrorOfALateWriteIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := &memory{room: -1}
		w := history.NewWriter(file, ticking())
		mustAppend(t, w, invoke(0))
		file.room = 0
		mustAppend(t, w, ok(0))
		time.Sleep(20 * time.Millisecond)
		synctest.Wait()
		if _, err := w.Append(ok(0)); !errors.Is(err, errFull) {
			t.Errorf("got %v", err)
		}
		if err := w.Close(); !errors.Is(err, errFull) {
			t.Errorf("close: %v", err)
		}
	})
}

func TestFullDevice(t *testing.T) {
	file, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this system has no /dev/full:", err)
	}
	defer file.Close()
	w := history.NewWriter(file, ticking())
	if _, err := w.Append(invoke(0)); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("got %v", err)
	}
	if err := w.Close(); err == nil {
		t.Error("close hides it")
	}
}

// One event that nobody can read would make the whole file unreadable.
func TestAppendRefusesWhatCouldNotBeReadAgain(t *testing.T) {
	file := &memory{room: -1}
	w := history.NewWriter(file, ticking())
	value, typ, process := invoke(0), invoke(0), invoke(-2)
	value.Value = json.RawMessage(`"unfinished`)
	typ.Type = history.Info + 1
	for _, bad := range []history.Op{value, typ, process} {
		if _, err := w.Append(bad); err == nil || !strings.Contains(err.Error(), "append write of process ") {
			t.Errorf("got %v", err)
		}
	}
	if op := mustAppend(t, w, invoke(0)); op.Index != 0 {
		t.Errorf("the refused event left a gap: next index is %d", op.Index)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if h := file.history(t); len(h.Ops) != 1 {
		t.Errorf("%d events", len(h.Ops))
	}
}

// A clock that goes backwards would make a history that nobody may judge.
func TestClockThatGoesBack(t *testing.T) {
	file := &memory{room: -1}
	times := []time.Duration{5, 4, 6}
	w := history.NewWriter(file, func() time.Duration { at := times[0]; times = times[1:]; return at })
	mustAppend(t, w, invoke(0))
	for range 2 {
		if _, err := w.Append(invoke(1)); err == nil || !strings.Contains(err.Error(), "the clock went back from 5ns to 4ns") {
			t.Errorf("got %v", err)
		}
	}
	if err := w.Close(); err == nil {
		t.Error("close hides it")
	}
}

func ExampleHistory_Describe() {
	h := history.New([]history.Op{
		{Index: 0, Time: 1 * time.Millisecond, Process: 0, Type: history.Invoke, F: "write", Key: "r1", Value: json.RawMessage("17"), Node: "n1"},
		{Index: 1, Time: 2 * time.Millisecond, Process: 1, Type: history.Invoke, F: "read", Key: "r1", Node: "n2"},
		{Index: 2, Time: 3 * time.Millisecond, Process: 0, Type: history.OK, F: "write", Key: "r1", Node: "n1"},
		{Index: 3, Time: 4 * time.Millisecond, Process: 1, Type: history.Info, F: "read", Key: "r1", Node: "n2", Error: "deadline exceeded"},
	})
	fmt.Print(h)
	// Output:
	// 0  0.001000s  p0  invoke  write  r1  17    n1
	// 1  0.002000s  p1  invoke  read   r1  null  n2
	// 2  0.003000s  p0  ok      write  r1  null  n1
	// 3  0.004000s  p1  info    read   r1  null  n2  deadline exceeded
}
