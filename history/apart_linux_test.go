package history

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// anyHistory is one in which each operation is invoked and then ends as OK,
// whatever else its events say.
func anyHistory(t *rapid.T) []byte {
	var file bytes.Buffer
	for process := range rapid.IntRange(0, 30).Draw(t, "operations") {
		op := anyOp(t)
		op.Process, op.Time = process, 0
		for i, typ := range []Type{Invoke, OK} {
			op.Index, op.Type = 2*process+i, typ
			line, err := op.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			if rapid.Bool().Draw(t, "spaced") { // and so not for the fast path
				line = append([]byte("{ "), line[1:]...)
			}
			file.Write(append(line, '\n'))
		}
	}
	return file.Bytes()
}

// disk is a folder in which a file can stand for memory.
func disk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s, err := newStorage(dir, 0)
	if err != nil {
		t.Skipf("set TMPDIR to a folder on a disk: %v", err)
	}
	if err := s.drop(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Whatever a history holds, it is the same apart as in memory; and nothing of it
// is in memory that the collector of garbage would free.
func TestApartIsTheSame(t *testing.T) {
	dir := disk(t)
	rapid.Check(t, func(t *rapid.T) {
		path := filepath.Join(dir, "history.jsonl")
		text := anyHistory(t)
		if rapid.Bool().Draw(t, "cut") {
			text = append(text, `{"index":`...)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		want, err := ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ReadFileApart(path, dir)
		if err != nil {
			t.Fatal(err)
		}
		if names, err := os.ReadDir(dir); err != nil || len(names) != 1 {
			t.Fatalf("the folder now has %v, %v", names, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(History{})); diff != "" {
			t.Fatalf("-in memory +apart:\n%s", diff)
		}
		if len(got.Operations()) != len(want.Operations()) {
			t.Fatalf("%d operations, want %d", len(got.Operations()), len(want.Operations()))
		}
	})
}

// What is kept apart stays as it is however often the collector runs: it points
// to nothing that can be freed.
func TestApartHoldsNothingOfTheProgramsOwn(t *testing.T) {
	const big = 1 << 17
	text := `{"index":0,"time_ns":1,"process":0,"type":"invoke","f":"write","key":"k","value":[1,2],"node":"n1"}
{ "index":1,"time_ns":2,"process":0,"type":"info","f":"write","key":"k","value":"\u00e9","node":"n1","error":"not \"sent\""}
{"index":2,"time_ns":3,"process":1,"type":"invoke","f":"write","key":"","value":"` + strings.Repeat("x", big) + `"}
`
	s, err := newStorage(disk(t), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	h, err := read(strings.NewReader(text), int64(len(text)), s)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		runtime.GC()
	}
	inside := func(p *byte, n int) bool {
		begin := uintptr(unsafe.Pointer(&s.bytes.all[0]))
		return n == 0 || uintptr(unsafe.Pointer(p)) >= begin && uintptr(unsafe.Pointer(p))+uintptr(n) <= begin+uintptr(len(s.bytes.all))
	}
	for _, op := range h.Ops {
		for _, text := range []string{op.F, op.Key, op.Node, op.Error} {
			if !inside(unsafe.StringData(text), len(text)) {
				t.Errorf("event %d: %q is in memory", op.Index, text)
			}
		}
		if !inside(unsafe.SliceData(op.Value), len(op.Value)) {
			t.Errorf("event %d: its value of %d bytes is in memory", op.Index, len(op.Value))
		}
	}
	if got := h.Ops[1].Error + string(h.Ops[1].Value); got != `not "sent""\u00e9"` {
		t.Errorf("read as %s", got)
	}
	if len(h.Ops[2].Value) != big+2 {
		t.Errorf("%d bytes are left of the big value", len(h.Ops[2].Value))
	}
}

// Past what the disk was asked for, a region asks again, and what it is refused
// is an error, not the end of the program.
func TestRegionAsksBeforeItUses(t *testing.T) {
	full := errors.New("full")
	r := region{all: make([]byte, 4*reserveStep)}
	var asked [][2]int
	r.reserve = func(from, to int) error {
		if asked = append(asked, [2]int{from, to}); to > 2*reserveStep {
			return full
		}
		return nil
	}
	for range 2 {
		if b, err := r.take(10); err != nil || len(b) != 10 || cap(b) != 10 {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
	}
	if want := [][2]int{{0, reserveStep + 10}}; !slices.Equal(asked, want) {
		t.Errorf("asked for %v, want %v", asked, want)
	}
	if _, err := r.take(reserveStep); !errors.Is(err, full) || !errors.Is(err, ErrNotApart) {
		t.Errorf("on a full disk: %v", err)
	}
	if _, err := r.take(5 * reserveStep); !errors.Is(err, ErrNotApart) {
		t.Errorf("past its end: %v", err)
	}
}

// mounted is a folder with a small file system of its own.
func mounted(t *testing.T, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", append(args, dir)...).CombinedOutput(); err != nil {
		t.Skipf("a small disk cannot be mounted here: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("unmount: %v: %s", err, out)
		}
	})
	return dir
}

// A disk that fills up while a history is read ends the reading with an error
// that says so, and so does one that is none.
func TestApartWhereItCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "disk")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Truncate(file, 8<<20)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("/sbin/mkfs.ext4", "-q", file).CombinedOutput(); err != nil {
		t.Skipf("a small disk cannot be made here: %v: %s", err, out)
	}
	path := filepath.Join(t.TempDir(), "history.jsonl")
	if err := os.WriteFile(path, []byte(`{"index":0,"time_ns":1,"process":0,"type":"invoke","f":"read"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ dir, want string }{
		{mounted(t, "-o", "loop", file), "no space left on device"},
		{mounted(t, "-t", "tmpfs", "tmpfs"), "it is no disk, but memory"},
		{filepath.Join(t.TempDir(), "missing"), "no such file"},
	} {
		if _, err := ReadFileApart(path, test.dir); !errors.Is(err, ErrNotApart) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v, want %q", err, test.want)
		}
	}
}

// What is wrong with a history is said apart as in memory.
func TestApartRefusesWhatReadRefuses(t *testing.T) {
	path := filepath.Join(disk(t), "history.jsonl")
	for _, text := range []string{"no event\n", `{"index":3,"time_ns":1,"process":0,"type":"invoke","f":"read"}` + "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, want := ReadFile(path)
		if _, err := ReadFileApart(path, filepath.Dir(path)); err == nil || err.Error() != want.Error() {
			t.Errorf("%v, want %v", err, want)
		}
	}
}
