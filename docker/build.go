package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// recipeFormat is part of every key: raise it when images come to be made
// differently, so that none of the old ones is taken for a new one.
const recipeFormat = 1

// A Build says how to make an image FROM scratch. It holds either one static
// Go program, which is Package of Module at ModuleVersion or Source; or what
// is in Packages.
type Build struct {
	// Recipe and Version name the image; they don't decide what is in it.
	Recipe  string
	Version string
	// Module is the module's path, ModuleVersion its version as the go
	// command knows it ("v3.5.21", or a pseudo-version).
	Module        string
	ModuleVersion string
	// Package is the main package; empty means the module's root.
	Package string
	// Replace are lines of a replace directive, for old modules that no
	// longer build with what their requirements now resolve to:
	// "google.golang.org/grpc => google.golang.org/grpc v1.26.0".
	Replace []string
	// Binary is the absolute path of the program in the image.
	Binary string
	// Source, if not nil, holds a main package in its root, which imports
	// the standard library only. Tests and files that are not Go are left out.
	Source fs.FS
	// Packages are names of Debian packages, in which {version} stands for
	// Version; of what they need, all is in the image but what a pattern of
	// Without fits. The first must be of that Version.
	Packages []string `json:",omitempty"`
	Without  []string `json:",omitempty"`
	// Files are further files of an image made of packages: their texts by
	// absolute path. One that begins with #! can be run.
	Files map[string]string `json:",omitempty"`
}

// title names the build for a human: "etcd 3.5.21".
func (b Build) title() string { return strings.TrimSpace(b.Recipe + " " + b.Version) }

// sources checks b and returns its Go files by name; nil without a Source.
func (b Build) sources() (map[string]string, error) {
	if !path.IsAbs(b.Binary) || path.Clean(b.Binary) == "/" {
		return nil, fmt.Errorf("binary %q is not an absolute path of a file", b.Binary)
	}
	if len(b.Packages) > 0 {
		return nil, b.checkPackages()
	}
	if b.Source == nil {
		if b.Module == "" || b.ModuleVersion == "" {
			return nil, errors.New("it has neither a module and its version nor a source")
		}
		return nil, nil
	}
	return readGoFiles(b.Source)
}

func (b Build) checkPackages() error {
	for name := range b.Files {
		if !path.IsAbs(name) || path.Clean(name) != name {
			return fmt.Errorf("file %q is not an absolute path", name)
		}
	}
	if b.Version == "" {
		return errors.New("packages without a version")
	}
	return nil
}

func readGoFiles(fsys fs.FS) (map[string]string, error) {
	names, err := fs.Glob(fsys, "*.go")
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		files[name] = string(text)
	}
	if len(files) == 0 {
		return nil, errors.New("its source has no Go files")
	}
	return files, nil
}

// key is a hash of all that decides what is in the image.
func (b Build) key(arch string, sources map[string]string) string {
	b.Source = nil
	text, err := json.Marshal(struct { // maps are marshalled in the order of their keys
		Format  int
		Arch    string
		Build   Build
		Sources map[string]string
	}{recipeFormat, arch, b, sources})
	if err != nil {
		return "unhashable" // strings, numbers and maps of them always marshal
	}
	return digest(text)
}

// ref is the image's name.
func (b Build) ref(key string) string {
	tag := key[:12]
	if b.Version != "" {
		tag = b.Version + "-" + tag
	}
	return "shakedown/" + repositoryName(b.Recipe) + ":" + tagName(tag)
}

// repositoryName and tagName make names that docker accepts.
func repositoryName(s string) string {
	s = strings.Trim(keepOnly(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789"), "-")
	if s == "" {
		return "node"
	}
	return s
}

func tagName(s string) string {
	s = keepOnly(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
	return strings.TrimLeft(s[max(0, len(s)-128):], ".-")
}

func keepOnly(s, allowed string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(allowed, r) {
			return r
		}
		return '-'
	}, s)
}

// built is what compile returns.
type built struct {
	binary    []byte
	goVersion string
}

// compile builds b in a directory that is gone afterwards.
func compile(ctx context.Context, b Build, arch string, sources map[string]string, progress func(string)) (built, error) {
	dir, err := os.MkdirTemp("", "shakedown-build-")
	if err != nil {
		return built{}, err
	}
	defer os.RemoveAll(dir)
	g, err := findGo(ctx, dir, arch)
	if err != nil {
		return built{}, err
	}
	g.title, g.progress = fmt.Sprintf("building %s with %s", b.title(), g.version), progress
	out := filepath.Join(dir, "out")
	if sources == nil {
		err = g.buildModule(ctx, b, out)
	} else {
		err = g.buildSource(ctx, sources, out)
	}
	if err != nil {
		return built{}, err
	}
	binary, err := os.ReadFile(out)
	return built{binary, g.version}, err
}

// buildModule builds a module's package from a wrapper module that requires
// it. Unlike `go install`, this allows replace directives; the program's
// dependencies are those that its own module asks for.
func (g goTool) buildModule(ctx context.Context, b Build, out string) error {
	pkg := b.Package
	if pkg == "" {
		pkg = b.Module
	}
	if err := g.writeFiles(map[string]string{"go.mod": wrapperModule(oldLanguage, b.Replace)}); err != nil {
		return err
	}
	if err := g.run(ctx, "downloading modules", "get", pkg+"@"+b.ModuleVersion); err != nil {
		return err
	}
	return g.run(ctx, "compiling", buildArguments(out, pkg)...)
}

func (g goTool) buildSource(ctx context.Context, sources map[string]string, out string) error {
	files := map[string]string{"go.mod": wrapperModule(languageOf(g.version), nil)}
	for name, text := range sources {
		files[name] = text
	}
	if err := g.writeFiles(files); err != nil {
		return err
	}
	return g.run(ctx, "compiling", buildArguments(out, ".")...)
}

func buildArguments(out, pkg string) []string {
	return []string{"build", "-v", "-trimpath", "-ldflags", "-s -w", "-o", out, pkg}
}

// oldLanguage is the go line around a module. It decides on the program's
// default GODEBUG, so it is low: old programs behave as they did, and the go
// command raises it to what a newer program asks for.
const oldLanguage = "1.22"

// languageOf is the go line around our own source: the toolchain's language.
func languageOf(version string) string {
	m := regexp.MustCompile(`go(1\.\d+)`).FindStringSubmatch(version)
	if m == nil {
		return oldLanguage
	}
	return m[1]
}

// wrapperModule is the go.mod around what is built.
func wrapperModule(language string, replace []string) string {
	var b strings.Builder
	b.WriteString("module shakedown.local/wrapper\n\ngo " + language + "\n")
	for _, r := range replace {
		b.WriteString("\nreplace " + r + "\n")
	}
	return b.String()
}

// buildHint says what to do about a build that failed.
func buildHint(err error, b Build) string {
	if len(b.Packages) > 0 && !errors.Is(err, context.DeadlineExceeded) {
		return debianHint(err)
	}
	says := err.Error()
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(says, w) {
				return true
			}
		}
		return false
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("it may take %s; what was downloaded and compiled is kept, so that the next try gets further", buildLimit)
	case has("no space left on device"):
		return "free some disk, or set TMPDIR and GOCACHE to a place that has some"
	case has("requires go >=", "GOTOOLCHAIN=local"):
		return "install a newer Go, or unset GOTOOLCHAIN so that the go command fetches the one it needs"
	case has("unknown revision", "invalid version", "not available", "no matching versions"):
		return "go list -m -versions " + b.Module + " shows the versions that there are"
	case has("dial tcp", "no such host", "connection refused", "i/o timeout"):
		return "the module proxy cannot be reached: set GOPROXY to one that can, or build once while online"
	}
	return ""
}
