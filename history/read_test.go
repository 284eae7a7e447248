package history_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/shakedown-dev/shakedown/history"
)

const (
	line0 = `{"index":0,"time_ns":1,"process":0,"type":"invoke","f":"read","key":"r1"}`
	line1 = `{"index":1,"time_ns":2,"process":0,"type":"ok","f":"read","key":"r1","value":17}`
)

// Without this test a history cut short by kill -9 or a power failure could be
// refused, or a damaged one believed.
func TestReadOfCutAndDamagedFiles(t *testing.T) {
	for name, test := range map[string]struct {
		file      string
		events    int
		truncated bool
		err       string
	}{
		"empty":                     {file: ""},
		"whole":                     {file: line0 + "\n" + line1 + "\n", events: 2},
		"windows":                   {file: line0 + "\r\n" + line1 + "\r\n", events: 2},
		"blank lines":               {file: "\n" + line0 + "\n \n" + line1 + "\n\n \t", events: 2},
		"no newline":                {file: line0 + "\n" + line1, events: 1, truncated: true},
		"cut in the middle":         {file: line0 + "\n" + line1[:30], events: 1, truncated: true},
		"only a piece":              {file: "{", truncated: true},
		"zeros after a line":        {file: line0 + "\n\x00\x00\x00", events: 1, truncated: true},
		"zeros after a piece":       {file: line0 + "\n" + line1[:30] + strings.Repeat("\x00", 4096), events: 1, truncated: true},
		"zeros in the middle":       {file: line0 + "\n\x00\x00\n" + line1 + "\n", err: "line 2: not an event"},
		"a bad last line":           {file: line0 + "\n" + line1[:30] + "\n", err: "line 2: not an event"},
		"a bad first line":          {file: "\nhello\n" + line1 + "\n", err: "line 2: not an event"},
		"an event is missing":       {file: line1 + "\n", err: "event 0: its index is 1"},
		"two histories in one file": {file: line0 + "\n" + line1 + "\n" + line0 + "\n", err: "event 2: its index is 0"},
		"pairing":                   {file: strings.Replace(line0, "invoke", "ok", 1) + "\n", err: "event 0: process 0 completes read, but has nothing open"},
	} {
		t.Run(name, func(t *testing.T) {
			h, err := history.Read(strings.NewReader(test.file))
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("got error %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(h.Ops) != test.events || h.Truncated != test.truncated {
				t.Errorf("got %d events, truncated=%t; want %d, %t", len(h.Ops), h.Truncated, test.events, test.truncated)
			}
		})
	}
}

// Every place at which a file can be cut gives the events before it.
func TestReadOfEveryPrefix(t *testing.T) {
	file := line0 + "\n" + line1 + "\n"
	for n := range len(file) + 1 {
		h, err := history.Read(iotest.OneByteReader(strings.NewReader(file[:n])))
		if err != nil {
			t.Fatalf("%q: %v", file[:n], err)
		}
		whole := strings.Count(file[:n], "\n")
		cut := n > 0 && file[n-1] != '\n'
		if len(h.Ops) != whole || h.Truncated != cut {
			t.Errorf("%q: %d events, truncated=%t", file[:n], len(h.Ops), h.Truncated)
		}
	}
}

// Lines longer than the reader's buffer are read, endless ones are refused.
func TestReadOfLongLines(t *testing.T) {
	long := strings.Replace(line1, "17", `"`+strings.Repeat("x", 3<<20)+`"`, 1)
	h, err := history.Read(strings.NewReader(line0 + "\n" + long + "\n"))
	if err != nil || len(h.Ops) != 2 || len(h.Ops[1].Value) != 3<<20+2 {
		t.Fatalf("long line: %v", err)
	}
	h, err = history.Read(strings.NewReader(line0 + "\n" + long))
	if err != nil || len(h.Ops) != 1 || !h.Truncated {
		t.Errorf("long line, cut: %v", err)
	}
	_, err = history.Read(io.MultiReader(strings.NewReader(line0+"\n"), endless{}))
	if err == nil || !strings.Contains(err.Error(), "line 2: longer than") {
		t.Errorf("endless line: %v", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestReadSaysWhyItCouldNot(t *testing.T) {
	broken := errors.New("disk is gone")
	if _, err := history.Read(io.MultiReader(strings.NewReader(line0+"\n"), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	path := filepath.Join(t.TempDir(), "history.jsonl")
	if _, err := history.ReadFile(path); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(path, []byte("?\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := history.ReadFile(path); err == nil || !strings.Contains(err.Error(), path+": line 1: ") {
		t.Errorf("got %v", err)
	}
}

// A file that is long enough for the reader to guess how many events it has.
func TestReadFileAgreesWithRead(t *testing.T) {
	var file bytes.Buffer
	for i := range 3000 {
		line := line0
		if i%2 == 1 {
			line = line1
		}
		_, rest, _ := strings.Cut(line, ",")
		fmt.Fprintf(&file, "{\"index\":%d,%s\n", i, strings.Replace(rest, `_ns":2`, `_ns":1`, 1))
	}
	path := filepath.Join(t.TempDir(), "history.jsonl")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	fromFile, err := history.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	fromReader, err := history.Read(&file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fromReader.Ops, fromFile.Ops); diff != "" || fromReader.Truncated != fromFile.Truncated || len(fromFile.Ops) != 3000 {
		t.Errorf("%d events, (-reader +file):\n%s", len(fromFile.Ops), diff)
	}
}

// FuzzRead: whatever the file, Read answers; what it accepts is consistent and
// survives being written and read again.
func FuzzRead(f *testing.F) {
	f.Add([]byte(line0 + "\n" + line1 + "\n"))
	f.Add([]byte(line0 + "\n" + line1[:20]))
	f.Add([]byte("\x00\x00"))
	f.Add([]byte(`{"index":0,"time_ns":0,"process":"nemesis","type":"info","f":"kill","value":{"id":"k","stage":"inject"}}` + "\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		h, err := history.Read(bytes.NewReader(file))
		if err != nil {
			return
		}
		_, _, _ = h.Operations(), h.Faults(), h.Phases()
		_ = h.String()
		var again bytes.Buffer
		for _, op := range h.Ops {
			line, err := op.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			again.Write(append(line, '\n'))
		}
		back, err := history.Read(&again)
		if err != nil {
			t.Fatal(err)
		}
		for i := range h.Ops {
			// A value may lose its spaces, not its meaning.
			h.Ops[i].Value, back.Ops[i].Value = nil, nil
		}
		if diff := cmp.Diff(h.Ops, back.Ops); diff != "" {
			t.Fatalf("(-first +second):\n%s", diff)
		}
	})
}
