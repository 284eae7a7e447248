package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// dialFake returns a Conn and the other end's requests, which the test
// answers by writing to far.
func dialFake(t *testing.T) (c *Conn, far net.Conn, requests <-chan Request) {
	t.Helper()
	near, far := net.Pipe()
	got := make(chan Request, 100)
	go func() {
		defer close(got)
		for lines := bufio.NewScanner(far); lines.Scan(); {
			var r Request
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
				t.Errorf("the Conn sent %q: %v", lines.Text(), err)
			}
			got <- r
		}
	}()
	c = Dial(near)
	t.Cleanup(func() { c.Close(); far.Close() })
	return c, far, got
}

func TestRepliesFindTheirRequests(t *testing.T) {
	c, far, requests := dialFake(t)
	var all sync.WaitGroup
	const many = 50
	for i := range many {
		all.Go(func() {
			want := fmt.Sprint("answer to n", i)
			r, err := c.Do(t.Context(), Request{Do: Kill, Node: fmt.Sprint("n", i)})
			if err != nil || r.Evidence != want {
				t.Errorf("got %q, %v; want %q", r.Evidence, err, want)
			}
		})
	}
	var asked []Request
	for range many {
		asked = append(asked, <-requests)
	}
	for i := range asked { // Last come, first served; and to nobody in between.
		r := asked[many-1-i]
		fmt.Fprintf(far, `{"seq":%d,"evidence":"for nobody"}`+"\n", 1000+i)
		fmt.Fprintf(far, `{"seq":%d,"evidence":"answer to %s"}`+"\n", r.Seq, r.Node)
	}
	all.Wait()
}

func TestErrorOfTheReply(t *testing.T) {
	c, far, requests := dialFake(t)
	go func() {
		r := <-requests
		fmt.Fprintf(far, `{"seq":%d,"error":"it is frozen","number":3}`+"\n", r.Seq)
	}()
	r, err := c.Do(t.Context(), Request{Do: Freeze, Node: "n2"})
	if err == nil || err.Error() != "freeze n2: it is frozen" || r.Number != 3 {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestDoGivesUp(t *testing.T) {
	c, far, requests := dialFake(t)
	ctx, cancel := context.WithCancel(t.Context())
	gaveUp := make(chan error)
	go func() {
		_, err := c.Do(ctx, Request{Do: Hello})
		gaveUp <- err
	}()
	first := <-requests
	cancel()
	if err := <-gaveUp; !errors.Is(err, context.Canceled) {
		t.Errorf("gave up with %v", err)
	}
	fmt.Fprintf(far, `{"seq":%d,"evidence":"late"}`+"\n", first.Seq)
	go func() { r := <-requests; fmt.Fprintf(far, `{"seq":%d,"evidence":"in time"}`+"\n", r.Seq) }()
	if r, err := c.Do(t.Context(), Request{Do: Hello}); err != nil || r.Evidence != "in time" {
		t.Errorf("the next one got %q, %v", r.Evidence, err)
	}
}

func TestEndOfStreamFailsAllPending(t *testing.T) {
	for name, c := range map[string]struct {
		end   func(*Conn, net.Conn)
		wants string
	}{
		"closed by the agent": {func(_ *Conn, far net.Conn) { far.Close() }, "EOF"},
		"closed by us":        {func(c *Conn, _ net.Conn) { c.Close() }, "closed"},
		"not a reply":         {func(_ *Conn, far net.Conn) { io.WriteString(far, "panic: out of rope\n") }, "out of rope"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, far, requests := dialFake(t)
			const many = 5
			failed := make(chan error, many)
			for range many {
				go func() {
					_, err := conn.Do(t.Context(), Request{Do: Kill, Node: "n1"})
					failed <- err
				}()
			}
			for range many {
				<-requests
			}
			c.end(conn, far)
			for range many {
				if err := <-failed; !errors.Is(err, ErrGone) || !strings.Contains(err.Error(), c.wants) {
					t.Errorf("failed with %v; want ErrGone and %q", err, c.wants)
				}
			}
			if _, err := conn.Do(t.Context(), Request{Do: Hello}); !errors.Is(err, ErrGone) {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func TestLastLineBeforeTheEnd(t *testing.T) {
	for range 50 { // The reply and the end race for the asker.
		c, far, requests := dialFake(t)
		go func() {
			r := <-requests
			fmt.Fprintf(far, `{"seq":%d,"evidence":"farewell"}`+"\n", r.Seq)
			far.Close()
		}()
		if r, err := c.Do(t.Context(), Request{Do: Heal}); err != nil || r.Evidence != "farewell" {
			t.Fatalf("got %+v, %v", r, err)
		}
	}
}

func TestCloseTwice(t *testing.T) {
	c, _, _ := dialFake(t)
	c.Close()
	c.Close()
}

// An agent that must hear from us does, and as long as it answers all is well; one
// that has fallen silent is gone after its lease.
func TestKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, far, requests := dialFake(t)
		const lease = time.Minute
		c.KeepAlive(lease)
		begun := time.Now()
		for range 8 {
			r := <-requests
			if r.Do != Hello {
				t.Errorf("it says %q", r.Do)
			}
			fmt.Fprintf(far, `{"seq":%d}`+"\n", r.Seq)
		}
		if took := time.Since(begun); took > 2*lease {
			t.Errorf("it was heard 8 times in %v", took)
		}
		silent := time.Now()
		<-c.Gone()
		if took := time.Since(silent); took < lease || took > 2*lease {
			t.Errorf("it was gone after %v", took)
		}
		if _, err := c.Do(t.Context(), Request{Do: Kill}); !errors.Is(err, ErrGone) || !strings.Contains(err.Error(), "has not answered") {
			t.Errorf("it is asked: %v", err)
		}
	})
}
