package store

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// bundleOf writes a zip with the given files, in order: name, content, name, …
func bundleOf(t *testing.T, files ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		w, err := z.Create(files[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "b.zip")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// What is packed and unpacked is the same run.
func TestBundleRoundTrip(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	f := create(t, "runs", "storm", tenFifteen, 0x7f3a91)
	for name, text := range map[string]string{
		PlanFile: `{"scenario":{"name":"storm"}}`, HistoryFile: "", "nodes/n1/stdout.log": "hello\n", "report.html": "old", ".x.1-1.tmp": "half",
	} {
		if err := f.WriteFile(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(f.Path(), "link")); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Pack(&b, map[string][]byte{"index.html": []byte("index"), "report.html": []byte("new")}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("b.zip", b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if !IsBundle("b.zip") || IsBundle("runs") || IsBundle("nothing.zip") {
		t.Error("a bundle is not told from what is none")
	}
	got, err := Unpack("b.zip", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if got.ID() != f.ID() || got.Scenario() != "storm" || got.Bundle() != "b.zip" || f.Bundle() != "" {
		t.Errorf("id %s, scenario %s, bundle %q", got.ID(), got.Scenario(), got.Bundle())
	}
	for name, want := range map[string]string{"nodes/n1/stdout.log": "hello\n", "index.html": "index", "report.html": "new"} {
		if text, err := got.ReadFile(name); err != nil || string(text) != want {
			t.Errorf("%s is %q (%v), want %q", name, text, err, want)
		}
	}
	if got.Has("link") || got.Has(".x.1-1.tmp") {
		t.Error("a link or an unfinished file was packed")
	}
}

// A bundle from a stranger must not write outside of its folder, nor fill it.
func TestUnpackRefuses(t *testing.T) {
	const id = "20261122T101502Z-7f3a91"
	for name, test := range map[string]struct {
		files []string
		want  string
	}{
		"no run":          {[]string{"notes.txt", "x"}, "there is no run in it"},
		"not in a folder": {[]string{"plan.json", "{}"}, "there is no run in it"},
		"above":           {[]string{id + "/plan.json", "{}", id + "/../../evil", "x"}, "leads out of the bundle"},
		"folder above":    {[]string{"../plan.json", "{}"}, "there is no run in it"},
		"absolute":        {[]string{id + "/plan.json", "{}", id + "//etc/evil", "x"}, "leads out of the bundle"},
		"backslash":       {[]string{id + "/plan.json", "{}", id + `/..\evil`, "x"}, "leads out of the bundle"},
		"twice":           {[]string{id + "/plan.json", "{}", id + "/plan.json", "{}"}, "exists"},
	} {
		t.Run(name, func(t *testing.T) {
			into := t.TempDir()
			_, err := Unpack(bundleOf(t, test.files...), filepath.Join(into, "here"))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if _, err := os.Stat(filepath.Join(into, "evil")); err == nil {
				t.Error("it wrote outside")
			}
		})
	}
}

// A small bundle can hold a plan that fills the memory.
func TestBundledPlanIsReadToALimit(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("run/plan.json")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(w, `{"scenario":{"name":"kv","x":"`)
	blank := bytes.Repeat([]byte(" "), 1<<20)
	for range maxBundlePlan/len(blank) + 1 {
		if _, err := w.Write(blank); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Fprint(w, `"}}`)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if got := bundledScenario(r, "run"); got != "bundle" {
		t.Errorf("a plan of more than %d bytes was read: it is called %q", maxBundlePlan, got)
	}
}

// A link in a bundle would make a later read leave it.
func TestUnpackRefusesLinks(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range []string{"run/plan.json", "run/nodes"} {
		h := &zip.FileHeader{Name: name}
		if name == "run/nodes" {
			h.SetMode(os.ModeSymlink | 0o777)
		}
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("/etc")); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "b.zip")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Unpack(name, t.TempDir()); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("got %v", err)
	}
}

// Only what is on the list is stored, and no password in an address.
func TestSafeEnv(t *testing.T) {
	env := map[string]string{"GOPROXY": "https://me:hunter2@proxy.example,direct", "AWS_SECRET_ACCESS_KEY": "x", "CI": "true", "TZ": ""}
	got := SafeEnv(func(name string) string { return env[name] })
	if len(got) != 2 || got["CI"] != "true" || got["GOPROXY"] != "https://…@proxy.example,direct" {
		t.Errorf("stored %v", got)
	}
	if got := SafeEnv(func(string) string { return "" }); got != nil {
		t.Errorf("of nothing: %v", got)
	}
}
