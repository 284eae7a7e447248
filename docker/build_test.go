package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestKeyCoversEverything(t *testing.T) {
	base := func() (Build, string, map[string]string) {
		return Build{Recipe: "r", Version: "1", Module: "m", ModuleVersion: "v1", Package: "p", Binary: "/b"}, "amd64", map[string]string{"main.go": "x"}
	}
	changes := map[string]func(b *Build, arch *string, s map[string]string){
		"nothing":        func(*Build, *string, map[string]string) {},
		"recipe":         func(b *Build, _ *string, _ map[string]string) { b.Recipe = "q" },
		"version":        func(b *Build, _ *string, _ map[string]string) { b.Version = "2" },
		"module":         func(b *Build, _ *string, _ map[string]string) { b.Module = "n" },
		"module version": func(b *Build, _ *string, _ map[string]string) { b.ModuleVersion = "v2" },
		"package":        func(b *Build, _ *string, _ map[string]string) { b.Package = "q" },
		"replace":        func(b *Build, _ *string, _ map[string]string) { b.Replace = []string{"a => b"} },
		"binary":         func(b *Build, _ *string, _ map[string]string) { b.Binary = "/c" },
		"arch":           func(_ *Build, arch *string, _ map[string]string) { *arch = "arm64" },
		"source":         func(_ *Build, _ *string, s map[string]string) { s["main.go"] = "y" },
		"file":           func(_ *Build, _ *string, s map[string]string) { s["more.go"] = "" },
	}
	seen := map[string]string{}
	for name, change := range changes {
		b, arch, s := base()
		change(&b, &arch, s)
		key := b.key(arch, s)
		if other, ok := seen[key]; ok {
			t.Errorf("changing %s and %s give the same key", name, other)
		}
		seen[key] = name
		again, arch2, s2 := base()
		change(&again, &arch2, s2)
		if again.key(arch2, s2) != key {
			t.Errorf("%s: the key is not stable", name)
		}
	}
}

func TestRef(t *testing.T) {
	key := strings.Repeat("0123456789abcdef", 4)
	for _, c := range []struct {
		b    Build
		want string
	}{
		{Build{Recipe: "etcd", Version: "3.5.21"}, "shakedown/etcd:3.5.21-0123456789ab"},
		{Build{Recipe: "abd"}, "shakedown/abd:0123456789ab"},
		{Build{Recipe: "My System!", Version: "1.0+x/y"}, "shakedown/my-system:1.0-x-y-0123456789ab"},
		{Build{Recipe: "//", Version: "-x"}, "shakedown/node:x-0123456789ab"},
		{Build{Recipe: "r", Version: strings.Repeat("1", 200)}, "shakedown/r:" + strings.Repeat("1", 115) + "-0123456789ab"},
	} {
		if got := c.b.ref(key); got != c.want {
			t.Errorf("%+v: got %s, want %s", c.b, got, c.want)
		}
	}
}

func TestSources(t *testing.T) {
	source := fstest.MapFS{
		"main.go": {Data: []byte("package main")}, "main_test.go": {}, "recipe.yaml": {}, "sub/x.go": {},
	}
	got, err := Build{Binary: "/x", Source: source}.sources()
	if diff := cmp.Diff(map[string]string{"main.go": "package main"}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for name, b := range map[string]Build{
		"no source files": {Binary: "/x", Source: fstest.MapFS{"a_test.go": {}}},
		"no module":       {Binary: "/x"},
		"no version":      {Binary: "/x", Module: "m"},
		"relative binary": {Binary: "x", Module: "m", ModuleVersion: "v1"},
		"root binary":     {Binary: "/.", Module: "m", ModuleVersion: "v1"},
	} {
		if _, err := b.sources(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestWrapperModule(t *testing.T) {
	want := "module shakedown.local/wrapper\n\ngo 1.22\n\nreplace a => b v1\n\nreplace c => d v2\n"
	if diff := cmp.Diff(want, wrapperModule(oldLanguage, []string{"a => b v1", "c => d v2"})); diff != "" {
		t.Error(diff)
	}
	for version, want := range map[string]string{"go1.26.8": "1.26", "go1.30": "1.30", "devel go1.28-abc": "1.28", "strange": oldLanguage} {
		if got := languageOf(version); got != want {
			t.Errorf("%s: got %s, want %s", version, got, want)
		}
	}
}

func TestBuildHint(t *testing.T) {
	b := Build{Module: "example.com/m"}
	for says, want := range map[string]string{
		"go: x@v9: invalid version: unknown revision v9":           "go list -m -versions example.com/m",
		"write: no space left on device":                           "free some disk",
		"go: x requires go >= 9.9 (running go 1.26)":               "newer Go",
		"dial tcp: lookup modules.example: no such host":           "GOPROXY",
		"./main.go:1:1: syntax error":                              "",
		fmt.Sprint("too slow: ", context.DeadlineExceeded.Error()): "",
	} {
		if got := buildHint(errors.New(says), b); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%q: got hint %q, want %q", says, got, want)
		}
	}
	if got := buildHint(fmt.Errorf("compiling: %w", context.DeadlineExceeded), b); !strings.Contains(got, "next try") {
		t.Errorf("got hint %q", got)
	}
}

func TestBuildOutput(t *testing.T) {
	o := &buildOutput{}
	for _, piece := range []string{
		"go: downloading a v1\ngo: down", "loading b v2\n", "go: added c v3\n",
		"internal/abi\nnet/http\n", "# my/pkg\n./x.go:1: no\n", "\tdetail",
	} {
		if n, err := o.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatal(n, err)
		}
	}
	if o.downloaded != 2 || o.compiled != 2 {
		t.Errorf("counted %d downloads and %d packages, want 2 and 2", o.downloaded, o.compiled)
	}
	if diff := cmp.Diff("# my/pkg\n./x.go:1: no\n\tdetail", o.tail()); diff != "" {
		t.Error(diff)
	}
	if got := o.count(); got != ", 2 packages so far" {
		t.Errorf("got %q", got)
	}
	for i := range 100 {
		fmt.Fprintf(o, "line %d\n", i)
	}
	if lines := strings.Split(o.tail(), "\n"); len(lines) != tailLines || lines[len(lines)-1] != "line 99" {
		t.Errorf("kept %d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}

func TestCompileWithoutGo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := compile(t.Context(), Build{Recipe: "x"}, "amd64", map[string]string{"main.go": ""}, func(string) {})
	var e *Error
	if !errors.As(err, &e) || !strings.Contains(e.Hint, "install Go") {
		t.Errorf("got %v", err)
	}
}

// goHere skips the test on a machine without Go, where only the test binary
// was brought.
func goHere(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command: ", err)
	}
}

func TestCompileSource(t *testing.T) {
	goHere(t)
	// What the user has set must neither break the build nor leak into it.
	t.Setenv("GOFLAGS", "-mod=vendor -race=false")
	t.Setenv("GOWORK", filepath.Join(t.TempDir(), "go.work"))
	t.Setenv("CGO_ENABLED", "1")
	var said []string
	out, err := compile(t.Context(), Build{Recipe: "hello", Version: "1"}, "arm64",
		map[string]string{"main.go": "package main\n\nfunc main() { for range 3 { println() } }\n"},
		func(s string) { said = append(said, s) })
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(out.binary), "\x7fELF") {
		t.Error("the result is not a program")
	}
	want := fmt.Sprintf("building hello 1 with %s: compiling", out.goVersion)
	if len(said) == 0 || said[0] != want {
		t.Errorf("said %q, want %q at first", said, want)
	}
}

func TestCompileShowsTheCompilersWords(t *testing.T) {
	goHere(t)
	_, err := compile(t.Context(), Build{Recipe: "broken"}, "amd64",
		map[string]string{"main.go": "package main\n\nfunc main() { undefinedThing() }\n"}, func(string) {})
	if err == nil || !strings.Contains(err.Error(), "main.go:3:15: undefined: undefinedThing") {
		t.Errorf("got %v", err)
	}
}

func TestCompileEndsWithItsContext(t *testing.T) {
	goHere(t)
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := compile(ctx, Build{Recipe: "x"}, "amd64",
		map[string]string{"main.go": "package main\n\nimport _ \"net/http\"\n\nfunc main() {}\n"}, func(string) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
