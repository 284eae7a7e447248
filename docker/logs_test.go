package docker

import (
	"errors"
	"strings"
	"testing"
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
