package docker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/shakedown-dev/shakedown/docker/images"
	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

func TestNeededPackages(t *testing.T) {
	out := strings.Join([]string{
		"Reading package lists...",
		"'http://x/libc6.deb' libc6_2.36-9_amd64.deb 100 MD5Sum:1",
		"'http://x/perl.deb' perl-base_5.36.0-7_amd64.deb 100 MD5Sum:2",
		"'http://x/db.deb' db-15_5%3a15.8-1~deb12u10_amd64.deb 100",
	}, "\n")
	b := Build{Recipe: "db", Version: "15", Packages: []string{"db-{version}"}, Without: []string{"perl*"}}
	got, err := needed(out, b)
	want := []debPackage{{"db-15", "5:15.8-1~deb12u10"}, {"libc6", "2.36-9"}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(debPackage{})); diff != "" || err != nil {
		t.Error(diff, err)
	}
	b.Version, b.Packages = "15.9", []string{"db-15"}
	if _, err = needed(out, b); err == nil || !staleLists(err) {
		t.Errorf("version 15.9 was found in 15.8: %v", err)
	}
	b.Packages = []string{"other"}
	if _, err = needed(out, b); err == nil {
		t.Error("a package that apt does not speak of was found")
	}
}

func TestVersionsOfPackages(t *testing.T) {
	for _, c := range []struct {
		debian, asked string
		want          bool
	}{
		{"5:7.0.15-1~deb12u10", "7.0", true},
		{"5:7.0.15-1~deb12u10", "7.0.15", true},
		{"5:7.0.15-1~deb12u10", "7.0.1", false},
		{"150.1-2", "15", false},
		{"15", "15", true},
		{"1.2-rc1-3", "1.2-rc1", true},
		{"7.0.15-1", "7.2", false},
	} {
		if got := sameLine(upstream(c.debian), c.asked); got != c.want {
			t.Errorf("%s is %s: got %t", c.debian, c.asked, got)
		}
	}
}

func TestAptIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, _, err := unpack(t.Context(), Build{Recipe: "x", Version: "1", Packages: []string{"x"}}, "amd64", func(string) {})
	var e *Error
	if !errors.As(err, &e) || !strings.Contains(e.Hint, "Debian") {
		t.Errorf("got %v", err)
	}
}

// debHere makes a package of files and links, or skips where it cannot.
func debHere(t *testing.T, name string, files map[string]string) string {
	t.Helper()
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		t.Skip("needs dpkg-deb: ", err)
	}
	dir := filepath.Join(t.TempDir(), name)
	files["DEBIAN/control"] = "Package: " + name + "\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.com>\nDescription: x\n"
	for f, text := range files {
		f = filepath.Join(dir, f)
		if err := os.MkdirAll(filepath.Dir(f), 0o755); err != nil {
			t.Fatal(err)
		}
		if to, ok := strings.CutPrefix(text, "-> "); ok {
			if err := os.Symlink(to, f); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(f, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("dpkg-deb", "--build", "--root-owner-group", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir + ".deb"
}

func TestLayerOfPackages(t *testing.T) {
	one := debHere(t, "one", map[string]string{
		"bin/sh": "shell", "usr/lib/a.so": "a", "usr/share/doc/one/readme": "words", "etc/passwd": "package's", "usr/bin/link": "-> ../../bin/sh",
	})
	two := debHere(t, "two", map[string]string{"lib/b.so": "b", "usr/lib/a.so": "another", "etc/two/conf": "c"})
	layer, err := mergeLayer(t.Context(), []string{two, one}, map[string]string{"/etc/passwd": "ours", "/opt/x/start": "#!/bin/sh\n"})
	if err != nil {
		t.Fatal(err)
	}
	entries, data := readTar(t, layer)
	for name, want := range map[string]string{
		"usr/bin/sh": "shell", "usr/lib/b.so": "b", "usr/lib/a.so": "a", "etc/passwd": "ours", "etc/two/conf": "c", "opt/x/start": "#!/bin/sh\n",
	} {
		if got := string(data[name]); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	seen := map[string]entry{}
	for _, e := range entries {
		if _, twice := seen[e.Name]; twice {
			t.Errorf("%s is there twice", e.Name)
		}
		seen[e.Name] = e
		if parent := filepath.Dir(strings.TrimSuffix(e.Name, "/")); parent != "." && !seen[parent+"/"].Dir {
			t.Errorf("%s comes before its directory", e.Name)
		}
	}
	if _, there := seen["usr/share/doc/one/readme"]; there {
		t.Error("what only people read is in the image")
	}
	if seen["opt/x/start"].Mode != 0o755 || seen["etc/passwd"].Mode != 0o644 || seen["tmp/"].Mode != 0o1777 {
		t.Errorf("modes: %+v %+v %+v", seen["opt/x/start"], seen["etc/passwd"], seen["tmp/"])
	}
}

func TestBrokenPackage(t *testing.T) {
	good := debHere(t, "good", map[string]string{"x": "x"})
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(good, text[:len(text)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := mergeLayer(t.Context(), []string{good}, nil); err == nil || !strings.Contains(err.Error(), "good.deb") {
		t.Errorf("half a package was unpacked: %v", err)
	}
}

// recipeBuild is what a recipe of packages says, read without its checks.
func recipeBuild(t *testing.T, name string) Build {
	t.Helper()
	read := func(file string) []byte {
		text, err := fs.ReadFile(images.FS(), name+"/"+file)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	var r struct {
		Default string
		Build   struct {
			Packages, Without []string
			Files             map[string]string
			Binary            string
		}
	}
	if err := yaml.Unmarshal(read("recipe.yaml"), &r); err != nil {
		t.Fatal(err)
	}
	b := Build{Recipe: name, Version: r.Default, Packages: r.Build.Packages, Without: r.Build.Without, Binary: r.Build.Binary, Files: map[string]string{}}
	for place, file := range r.Build.Files {
		b.Files[place] = string(read(file))
	}
	return b
}

// debianImage makes an image of packages, or skips on a machine without them.
func debianImage(t *testing.T, e *Engine, name string) Image {
	t.Helper()
	if _, err := exec.LookPath("apt-get"); err != nil {
		t.Skip("needs apt: ", err)
	}
	img, err := e.Image(t.Context(), recipeBuild(t, name), func(s string) { t.Log(s) })
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func debianSpec(t *testing.T, img Image, nodes int) Spec {
	s := abdSpec(runName(t), img, nodes)
	s.Command, s.Peers, s.Env = nil, "", map[string]string{"INDEX": "{index}", "PEERS": "{peers}"}
	s.MemoryBytes, s.CPUs = 512<<20, 0
	return s
}

// answers sends text to a node's port and waits until the answer begins with want.
func answers(t *testing.T, c *Cluster, node string, port int, text, want string) {
	t.Helper()
	eventually(t, node+" answers", func() error {
		conn, err := net.DialTimeout("tcp", fmt.Sprintf("%s:%d", c.Address(node), port), time.Second)
		if err != nil {
			return err
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
			return err
		}
		if _, err := conn.Write([]byte(text)); err != nil {
			return err
		}
		got, err := bufio.NewReader(conn).Peek(len(want))
		if string(got) != want {
			return fmt.Errorf("got %q, %v", got, err)
		}
		return nil
	})
}

func TestRedisFromPackages(t *testing.T) {
	e := engine(t)
	c := up(t, e, debianSpec(t, debianImage(t, e, "redis"), 2))
	answers(t, c, "n1", 6379, "SET k v\r\n", "+OK")
	answers(t, c, "n2", 6379, "GET k\r\n", "$1\r\nv")
	answers(t, c, "n2", 6379, "SET k w\r\n", "-READONLY")
	if _, err := c.Ask(t.Context(), agent.Request{Do: agent.Kill, Node: "n1"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Restart(context.Background(), "n1"); err != nil {
		t.Fatal(err)
	}
	answers(t, c, "n1", 6379, "GET k\r\n", "$1\r\nv")
}

func TestPostgresFromPackages(t *testing.T) {
	e := engine(t)
	c := up(t, e, debianSpec(t, debianImage(t, e, "postgres"), 2))
	// A startup message of protocol 3.0 for user postgres: the answer is R,
	// and E as long as the server cannot be used.
	hello := "\x00\x03\x00\x00user\x00postgres\x00\x00"
	hello = string([]byte{0, 0, 0, byte(len(hello) + 4)}) + hello
	for _, n := range c.Nodes() {
		answers(t, c, n, 5432, hello, "R")
	}
}
