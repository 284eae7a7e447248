package report

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// unletter is decode.js's way back, in Go.
func unletter(text string) []byte {
	var out []byte
	for len(text) > 0 {
		n := min(len(text), 5)
		group := text[:n] + strings.Repeat(digits[84:], 5-n)
		var v uint64
		for _, c := range group {
			v = v*85 + uint64(strings.IndexRune(digits, c))
		}
		out = append(out, []byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}[:n-1]...)
		text = text[n:]
	}
	return out
}

// Without this a byte could be lost where one piece of data ends and the next begins.
func TestLettersComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var text bytes.Buffer
		l := &letters{w: &text}
		var want []byte
		for _, part := range rapid.SliceOf(rapid.SliceOf(rapid.Byte())).Draw(t, "parts") {
			if _, err := l.Write(part); err != nil {
				t.Fatal(err)
			}
			want = append(want, part...)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if got := unletter(text.String()); !bytes.Equal(got, want) {
			t.Fatalf("%x came back as %x", want, got)
		}
	})
}

// Without this a letter could mean something to a browser.
func TestLettersMeanNothing(t *testing.T) {
	if len(digits) != 85 || strings.ContainsAny(digits, "<>&\"'`\\ ") {
		t.Errorf("%q: want 85 letters and none that HTML knows", digits)
	}
	for i, c := range digits {
		if strings.IndexRune(digits, c) != i {
			t.Errorf("%c is there twice", c)
		}
	}
}
