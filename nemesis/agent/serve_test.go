package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

// A puppet is a worker whose requests wait until the test lets them go on:
// verb "wait" until its node is released, verb "panic" not at all.
type puppet struct {
	mu       sync.Mutex
	released map[string]chan struct{}
	healed   int
	started  chan Request
}

func newPuppet() *puppet {
	return &puppet{released: map[string]chan struct{}{}, started: make(chan Request, 1000)}
}

func (p *puppet) lanes(r Request) ([]string, bool) {
	return []string{r.Node}, r.Do == "everything"
}

func (p *puppet) do(ctx context.Context, r Request) (Reply, error) {
	p.started <- r
	switch r.Do {
	case "panic":
		panic("the sails are torn")
	case "wait":
		select {
		case <-p.gate(r.ID):
		case <-ctx.Done():
			return Reply{}, ctx.Err()
		}
	case "refuse":
		return Reply{}, errors.New("no")
	}
	return Reply{Evidence: r.Do + " " + r.ID}, nil
}

func (p *puppet) gate(id string) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.released[id] == nil {
		p.released[id] = make(chan struct{})
	}
	return p.released[id]
}

func (p *puppet) heal(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.healed++
	return nil
}

// A stage is a conversation with a puppet, line by line.
type stage struct {
	*puppet
	in     *io.PipeWriter
	out    *bufio.Scanner
	ended  chan error
	cancel context.CancelFunc
}

func newStage(t *testing.T) *stage {
	t.Helper()
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	s := &stage{puppet: newPuppet(), in: inW, out: bufio.NewScanner(outR), ended: make(chan error, 1), cancel: cancel}
	go func() {
		s.ended <- converse(ctx, s.puppet, inR, outW)
		outW.Close()
	}()
	t.Cleanup(func() { cancel(); inW.Close(); outR.Close() })
	return s
}

func (s *stage) say(t *testing.T, line string) {
	t.Helper()
	if _, err := io.WriteString(s.in, line+"\n"); err != nil {
		t.Fatal(err)
	}
}

func (s *stage) hear(t *testing.T) Reply {
	t.Helper()
	var r Reply
	if !s.out.Scan() {
		t.Fatalf("nothing more was said: %v", s.out.Err())
	}
	if err := json.Unmarshal(s.out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// over waits for the end and insists that everything was healed once.
func (s *stage) over(t *testing.T) error {
	t.Helper()
	var err error
	select {
	case err = <-s.ended:
	case <-time.After(time.Minute):
		t.Fatal("the conversation has not ended")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.healed != 1 {
		t.Errorf("healed %d times", s.healed)
	}
	return err
}

func TestBadLinesAreAnswered(t *testing.T) {
	s := newStage(t)
	for _, c := range []struct{ line, wants string }{
		{`ahoy`, `"ahoy" is not a request`},
		{``, `is not a request`},
		{`{"seq":"one"}`, `is not a request`},
		{`[1,2]`, `is not a request`},
		{`{"clock":{"offset_ns":"90s"}}`, `is not a request`},
		{`{"seq":7,"do":"refuse"}`, `no`},
		{`{"seq":8,"do":"panic"}`, `panic: a bug in shakedown: the sails are torn`},
	} {
		s.say(t, c.line)
		if r := s.hear(t); !strings.Contains(r.Error, c.wants) {
			t.Errorf("%s: %+v; want an error with %q", c.line, r, c.wants)
		}
	}
	s.say(t, `{"seq":9,"do":"fine"}`)
	if r := s.hear(t); r.Seq != 9 || r.Error != "" {
		t.Errorf("after all the bad lines: %+v", r)
	}
	s.in.Close()
	if err := s.over(t); err != nil {
		t.Error(err)
	}
}

func TestLanesAreIndependent(t *testing.T) {
	s := newStage(t)
	s.say(t, `{"seq":1,"do":"wait","id":"a","node":"n1"}`)
	s.say(t, `{"seq":2,"do":"next","node":"n1"}`)
	s.say(t, `{"seq":3,"do":"other","node":"n2"}`)
	if r := s.hear(t); r.Seq != 3 {
		t.Errorf("first came the answer to %d; want n2's, which nobody holds up", r.Seq)
	}
	s.say(t, `{"seq":4,"do":"everything","node":"n3"}`)
	s.say(t, `{"seq":5,"do":"late","node":"n2"}`)
	close(s.gate("a"))
	for want := uint64(1); want <= 5; want++ {
		if want == 3 {
			continue
		}
		select {
		case r := <-s.started:
			for r.Seq == 3 {
				r = <-s.started
			}
			if r.Seq != want {
				t.Errorf("request %d was begun; want %d", r.Seq, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("request %d was never begun", want)
		}
		s.hear(t)
	}
}

func TestEndHealsInEveryCase(t *testing.T) {
	for name, c := range map[string]struct {
		end   func(*stage)
		wants string
	}{
		"input ends":   {func(s *stage) { s.in.Close() }, ""},
		"input breaks": {func(s *stage) { s.in.CloseWithError(errors.New("reset")) }, "reset"},
		"context ends": {func(s *stage) { s.cancel() }, ""},
		"line without an end": {func(s *stage) {
			go io.WriteString(s.in, strings.Repeat("x", maxLine+1)) // Not all of it is read.
		}, "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.say(t, `{"seq":1,"do":"wait","id":"never","node":"n1"}`)
			<-s.started
			go func() {
				for s.out.Scan() {
				}
			}()
			c.end(s)
			if err := s.over(t); c.wants == "" && err != nil || !strings.Contains(fmt.Sprint(err), c.wants) {
				t.Errorf("ended with %v; want %q", err, c.wants)
			}
		})
	}
}

// A peer that is gone without a word is found out by its silence, and one that
// goes on talking is not.
func TestSilenceBeyondTheLeaseIsTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.say(t, `{"seq":1,"do":"hello","lease_ns":30000000000}`)
		s.hear(t)
		for range 10 {
			time.Sleep(29 * time.Second)
			s.say(t, `{"seq":2,"do":"fine"}`)
			s.hear(t)
		}
		last := time.Now()
		if err := s.over(t); err == nil || !strings.Contains(err.Error(), "nothing was heard for 30s") {
			t.Errorf("ended with %v", err)
		}
		if silence := time.Since(last); silence != 30*time.Second {
			t.Errorf("it ended after a silence of %v", silence)
		}
	})
}

// An orchestrator that never says a word is as good as gone; one that has
// spoken without a lease may be silent for as long as it likes.
func TestSilenceFromTheStart(t *testing.T) {
	for said, wants := range map[string]string{"": "nothing was heard for 1m0s", `{"seq":1,"do":"fine"}`: ""} {
		t.Run(said, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				if said != "" {
					s.say(t, said)
					s.hear(t)
					time.Sleep(24 * time.Hour)
					s.in.Close()
				}
				time.Sleep(firstWord)
				if err := s.over(t); !strings.Contains(fmt.Sprint(err), wants) || wants == "" && err != nil {
					t.Errorf("ended with %v", err)
				}
			})
		})
	}
}

func TestBrokenOutputIsTheEnd(t *testing.T) {
	p := newPuppet()
	in, feed := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- converse(context.Background(), p, in, brokenWriter{}) }()
	io.WriteString(feed, `{"seq":1,"do":"fine"}`+"\n")
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "no wind") {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("went on though nobody can hear it")
	}
	if p.healed != 1 {
		t.Errorf("healed %d times", p.healed)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no wind") }

func TestLinesArriveInPieces(t *testing.T) {
	p := newPuppet()
	var out strings.Builder
	in := iotest.OneByteReader(strings.NewReader(`{"seq":1,"do":"a"}` + "\n" + `{"seq":2,"do":"b"}`))
	if err := converse(t.Context(), p, in, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"seq":1`, `"seq":2`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("answers %q lack %s", out.String(), want)
		}
	}
}

// More requests than there is room for are all answered, in time.
func TestCrowd(t *testing.T) {
	s := newStage(t)
	const many = 3 * crowd
	go func() {
		for i := range many {
			fmt.Fprintf(s.in, `{"seq":%d,"do":"fine","node":"n%d"}`+"\n", i+1, i%7)
		}
	}()
	heard := map[uint64]bool{}
	for range many {
		heard[s.hear(t).Seq] = true
	}
	if len(heard) != many {
		t.Errorf("%d of %d requests were answered", len(heard), many)
	}
}

// A request whose time is up before its turn is answered, and not done.
func TestTimeUpBeforeItsTurn(t *testing.T) {
	p := newPuppet()
	s := &session{worker: p, lanes: map[string]*lane{}}
	s.enter(Request{Node: "n1"}) // Somebody who never leaves.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := s.answer(ctx, Request{Seq: 4, Do: "fine", Node: "n1"}, s.enter(Request{Node: "n1"}))
	if r.Seq != 4 || !strings.Contains(r.Error, "waited for earlier requests") || len(p.started) > 0 {
		t.Errorf("%+v, begun: %d", r, len(p.started))
	}
}
