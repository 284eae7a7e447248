package docker

import (
	"bufio"
	"errors"
	"strings"
	"testing"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

func TestCappedWriter(t *testing.T) {
	var b strings.Builder
	w := &cappedWriter{w: &b, left: 5}
	for _, s := range []string{"abc", "def", "ghi"} {
		if n, err := w.Write([]byte(s)); n != 3 || err != nil {
			t.Fatal(n, err)
		}
	}
	if got, want := b.String(), "abcde\n[shakedown: the rest is left out]\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	full := errors.New("disk full")
	if _, err := (&cappedWriter{w: brokenWriter{full}, left: 5}).Write([]byte("x")); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

func TestTailBuffer(t *testing.T) {
	b := &tailBuffer{limit: 4}
	for _, s := range []string{"ab", "cde", "", "f"} {
		b.Write([]byte(s))
	}
	if got := b.String(); got != "cdef" {
		t.Errorf("got %q", got)
	}
}

func TestStreamError(t *testing.T) {
	for _, c := range []struct{ stream, want string }{
		{`{"stream":"Loaded image"}{"status":"ok"}`, ""},
		{``, ""},
		{`{"status":"pulling"}` + "\n" + `{"errorDetail":{"message":"no such thing"},"error":"no such thing"}`, "no such thing"},
		{`{"stream":`, "unexpected EOF"},
	} {
		err := streamError(strings.NewReader(c.stream))
		if (c.want == "") != (err == nil) || err != nil && err.Error() != c.want {
			t.Errorf("%q: got %v, want %q", c.stream, err, c.want)
		}
	}
}

// What a node logs is followed from now on, and over its death.
func TestFollowGoesOnOverARestart(t *testing.T) {
	e := engine(t)
	c := up(t, e, abdSpec(runName(t), abdImage(t, e), 1))
	stream, err := c.Follow(t.Context(), "n1")
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stream)
	for range 2 {
		if _, err := c.Ask(t.Context(), agent.Request{Do: agent.Kill, Node: "n1"}); err != nil {
			t.Fatal(err)
		}
		if err := c.Restart(t.Context(), "n1"); err != nil {
			t.Fatal(err)
		}
		if !lines.Scan() || !strings.Contains(lines.Text(), "n1 serves on") {
			t.Fatalf("got %q, %v", lines.Text(), lines.Err())
		}
	}
	if err := stream.Close(); err != nil {
		t.Error(err)
	}
	if _, err := c.Follow(t.Context(), "n9"); err == nil {
		t.Error("the log of no node was followed")
	}
}
