package docker

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMappedLibraries(t *testing.T) {
	const maps = `00400000-01000000 r-xp 00000000 fd:01 1 /usr/bin/shakedown
7f1-7f2 r-xp 00000000 fd:01 2                    /usr/lib/x86_64-linux-gnu/libc.so.6
7f2-7f3 rw-p 00000000 fd:01 2                    /usr/lib/x86_64-linux-gnu/libc.so.6
7f3-7f4 r-xp 00000000 fd:01 3                    /usr/lib/with space/libresolv-2.31.so
7f4-7f5 r--p 00000000 fd:01 4                    /usr/share/locale/x.sorted
7ff-800 r-xp 00000000 00:00 0                    [vdso]
`
	want := []string{"/usr/lib/with space/libresolv-2.31.so", "/usr/lib/x86_64-linux-gnu/libc.so.6"}
	if diff := cmp.Diff(want, mappedLibraries(maps)); diff != "" {
		t.Error(diff)
	}
}

func TestAgentFilesOfThisProgram(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the agent runs on linux only")
	}
	t.Setenv(agentVariable, "")
	e := &Engine{arch: runtime.GOARCH}
	files, err := e.agentFiles()
	if err != nil {
		t.Fatal(err)
	}
	own, err := os.ReadFile("/proc/self/exe")
	if err != nil || string(files[0].Data) != string(own) || files[0].Path != "/shakedown" {
		t.Error("the first file is not this program", err)
	}
	for _, f := range files[1:] {
		if !strings.HasPrefix(string(f.Data), "\x7fELF") {
			t.Errorf("%s is not a library", f.Path)
		}
	}
}

func TestAgentFilesRefuse(t *testing.T) {
	static := staticProgram(t, runtime.GOARCH)
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, file, arch, hint string }{
		{"missing", filepath.Join(t.TempDir(), "none"), "amd64", ""},
		{"no program", text, "amd64", "linux binary"},
		{"other processor", static, "s390x", "GOARCH=s390x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(agentVariable, c.file)
			_, err := (&Engine{arch: c.arch}).agentFiles()
			var e *Error
			if !errors.As(err, &e) || !strings.Contains(e.Hint, c.hint) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Setenv(agentVariable, static)
	files, err := (&Engine{arch: runtime.GOARCH}).agentFiles()
	if err != nil || len(files) != 1 {
		t.Errorf("a static program needs %d files (%v), want itself only", len(files), err)
	}
}

func TestFilesKeyCoversEverything(t *testing.T) {
	base := []file{{"/a", 0o755, []byte("x")}}
	seen := map[string]bool{filesKey(base): true}
	for _, other := range [][]file{
		{{"/b", 0o755, []byte("x")}}, {{"/a", 0o700, []byte("x")}}, {{"/a", 0o755, []byte("y")}}, append(base, file{"/c", 0, nil}),
	} {
		if key := filesKey(other); seen[key] {
			t.Errorf("%+v has the key of another", other)
		} else {
			seen[key] = true
		}
	}
}

// staticProgram builds a linux program that does nothing.
func staticProgram(t *testing.T, arch string) string {
	t.Helper()
	goHere(t)
	dir := t.TempDir()
	source, out := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-buildid=", "-o", out, source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return out
}

func TestOldAgent(t *testing.T) {
	now := time.Unix(1e9, 0)
	for _, c := range []struct {
		name string
		age  time.Duration
		want bool
	}{
		{"shakedown/agent:1", 25 * time.Hour, true},
		{"shakedown/agent:1", 23 * time.Hour, false},
		{"shakedown/agents:1", 25 * time.Hour, false},
		{"shakedown/etcd:1", 25 * time.Hour, false},
	} {
		if got := oldAgent(thing{name: c.name}, now.Add(-c.age), now); got != c.want {
			t.Errorf("%s of %v ago: got %v", c.name, c.age, got)
		}
	}
	if oldAgent(thing{name: "shakedown/agent:1"}, time.Time{}, now) {
		t.Error("an image of which nobody knows when it was loaded is old")
	}
}
