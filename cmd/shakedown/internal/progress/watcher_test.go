package progress

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner"
)

// play is a run as a watcher hears of it.
func play(w Watcher) {
	w.Begin(sampleRun())
	w.Event(runner.Event{Kind: "note", Text: "starting\x1b[2J 3 nodes"})
	w.Event(runner.Event{Kind: "phase", Text: "storm", At: 5 * time.Second})
	w.Event(runner.Event{Kind: "fault", Text: "storm/kill#1 took hold: gone", At: 7 * time.Second, Fault: &runner.FaultStep{
		Fault: "kill", FaultEvent: history.FaultEvent{ID: "storm/kill#1", Stage: history.StageInForce, Nodes: []string{"n2"}, Evidence: "gone"}}})
	w.Reading(runner.Reading{At: 8 * time.Second, OK: 12, Rate: 12})
	w.Event(runner.Event{Kind: "ops", Text: "12 ok", At: 8 * time.Second})
	w.End(Ending{Verdict: "violation", Expect: "valid", Exit: 1})
}

// While it goes on, a live picture stands below the events; in the end only
// the events are left.
func TestLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGlass(100, 40)
		s := NewScreen(g, g.size)
		begin := time.Now()
		w := NewLive(s, func() time.Duration { return time.Since(begin) }, false)
		w.Begin(sampleRun())
		w.Event(runner.Event{Kind: "phase", Text: "storm", At: 5 * time.Second})
		time.Sleep(3050 * time.Millisecond)
		synctest.Wait()
		seen := g.lines()
		if seen[0] != "00:05.0 phase storm" || !strings.HasPrefix(seen[1], "etcd-storm  etcd 3.5.21 ×3") {
			t.Errorf("seen:\n%s", strings.Join(seen, "\n"))
		}
		if !strings.Contains(strings.Join(seen, "\n"), "3.0s/1m   next: pause leader in 12.0s") {
			t.Errorf("three seconds later:\n%s", strings.Join(seen, "\n"))
		}
		if _, err := io.WriteString(s, "shakedown: warning: something\n"); err != nil {
			t.Error(err)
		}
		w.Event(runner.Event{Kind: "ops", Text: "12 ok", At: 8 * time.Second})
		w.End(Ending{})
		if got, want := strings.Join(g.lines(), "\n"), "00:05.0 phase storm\nshakedown: warning: something"; got != want {
			t.Errorf("left:\n%s\nwant:\n%s", got, want)
		}
	})
}

// Programs rely on the types, and on the version in the first line.
func TestStream(t *testing.T) {
	var b bytes.Buffer
	s := NewStream(&b, "v1")
	play(s)
	play(s)
	var types []string
	decoder := json.NewDecoder(&b)
	for {
		var line map[string]any
		if err := decoder.Decode(&line); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		kind := line["type"].(string)
		types = append(types, kind)
		switch kind {
		case "version":
			if line["stream"] != StreamVersion || line["shakedown"] != "v1" {
				t.Errorf("version: %v", line)
			}
		case "fault":
			if step := line["step"].(map[string]any); line["fault"] != "kill" || step["stage"] != "in-force" || step["evidence"] != "gone" {
				t.Errorf("fault: %v", line)
			}
		case "reading":
			if line["ok"] != 12.0 || line["at_ns"] != 8e9 {
				t.Errorf("reading: %v", line)
			}
		case "end":
			if line["verdict"] != "violation" || line["exit"] != 1.0 {
				t.Errorf("end: %v", line)
			}
		}
		if kind != "version" && line["run"] != sampleRun().ID {
			t.Errorf("%s does not say its run: %v", kind, line)
		}
	}
	one := "run note phase fault reading ops end"
	if got, want := strings.Join(types, " "), "version "+one+" "+one; got != want {
		t.Errorf("types %s, want %s", got, want)
	}
}

// A stuck is a terminal on which somebody has pressed Ctrl-S.
type stuck struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *stuck) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

// A terminal that stands still must not hold up whoever tells, and once it
// goes on one learns that something was lost.
func TestDetachedNeverMakesTheTellerWait(t *testing.T) {
	w := &stuck{}
	d := NewDetached(NewPlain(w, false))
	d.Event(runner.Event{Kind: "note", Text: "before it begins"})
	d.Begin(sampleRun())
	w.mu.Lock()
	for range maxBehind + 100 {
		d.Event(runner.Event{Kind: "ops", Text: "x", At: time.Second})
	}
	w.mu.Unlock()
	d.End(Ending{})
	d.Event(runner.Event{Kind: "note", Text: "after it ended"})
	got := w.b.String()
	if n := strings.Count(got, "ops   x\n"); n < maxBehind || n > maxBehind+1 {
		t.Errorf("%d lines, want about %d", n, maxBehind)
	}
	if !strings.Contains(got, " events could not be shown in time; they are in the history\n") {
		t.Errorf("it does not say that something was lost:\n%s", got[max(0, len(got)-200):])
	}
	if strings.Contains(got, "before it begins") || strings.Contains(got, "after it ended") {
		t.Error("told outside of a run")
	}
}

// What nobody wants to see is not seen.
func TestQuiet(t *testing.T) { play(Quiet{}) }
