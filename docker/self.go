package docker

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"
)

const (
	// agentBinary is where this program stands in the agent's image.
	agentBinary = "/shakedown"
	// agentRepository is what the agents' images are called.
	agentRepository = "shakedown/agent"
	// oldAgentAge is how long the image of another version's agent is kept.
	oldAgentAge = 24 * time.Hour
	// libraryDir is where the shared libraries stand that it needs, if any.
	libraryDir = "/lib/shakedown"
	// agentVariable names a static linux binary of this program, for hosts
	// that are not linux and for tests.
	agentVariable = "SHAKEDOWN_AGENT"
)

// agentImage makes the image that holds this very program, or finds it.
func (e *Engine) agentImage(ctx context.Context) (Image, error) {
	const doing = "make the agent's image"
	files, err := e.agentFiles()
	if err != nil {
		return Image{}, failed(err, "", doing)
	}
	key := filesKey(files)
	s := imageSpec{
		Ref: agentRepository + ":" + key[:12], Arch: e.arch, Files: files,
		Cmd:    []string{agentBinary, "agent"},
		Labels: map[string]string{labelImage: "1", labelBuild: key},
	}
	if len(files) > 1 {
		s.Env = []string{"LD_LIBRARY_PATH=" + libraryDir}
	}
	if img, ok, err := e.cached(ctx, s.Ref, key); err != nil || ok {
		return img, failed(err, "", doing)
	}
	img, err := e.load(ctx, s)
	if err == nil {
		e.removeOldAgents(ctx, time.Now())
	}
	return img, failed(err, loadHint(err), doing)
}

// removeOldAgents removes the images of agents that other versions of this
// program loaded, if they are not used and a day old: whoever works on it
// makes one with every change. What it cannot remove may stay.
func (e *Engine) removeOldAgents(ctx context.Context, now time.Time) {
	images, err := e.listImages(ctx, nil)
	if err != nil {
		return
	}
	for _, t := range images {
		if i, err := e.api.ImageInspect(ctx, t.id); err == nil && oldAgent(t, i.Metadata.LastTagTime, now) {
			_ = e.removeImage(ctx, t.id) // it may have come to be used
		}
	}
}

// oldAgent reports whether the image is of an agent and was loaded before
// yesterday.
func oldAgent(t thing, loaded, now time.Time) bool {
	return strings.HasPrefix(t.name, agentRepository+":") && !loaded.IsZero() && now.Sub(loaded) > oldAgentAge
}

// filesKey is a hash of what is in an image.
func filesKey(files []file) string {
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, "%s %o %s\n", f.Path, f.Mode, digest(f.Data))
	}
	return digest([]byte(b.String()))
}

// agentFiles are the files of the agent's image: this program, and with it
// the loader and the libraries it runs on where it is not static, as a
// program that was built with cgo is.
func (e *Engine) agentFiles() ([]file, error) {
	name := os.Getenv(agentVariable)
	own := name == ""
	if own {
		if runtime.GOOS != "linux" {
			return nil, errNotLinux()
		}
		name = "/proc/self/exe" // it can be read even after the file was removed or replaced
	}
	program, err := os.ReadFile(name)
	if err != nil {
		return nil, failed(err, "", "read this program")
	}
	f, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		return nil, failed(err, agentVariable+" must name a linux binary", "read %s", name)
	}
	if arch := goArch(f.Machine); arch != e.arch {
		return nil, failed(fmt.Errorf("it is for %s and the engine is %s", arch, e.arch),
			fmt.Sprintf("build shakedown with CGO_ENABLED=0 GOOS=linux GOARCH=%s and set %s to the binary", e.arch, agentVariable),
			"use %s", name)
	}
	files := []file{{Path: agentBinary, Mode: 0o755, Data: program}}
	loader := interpreter(f)
	switch {
	case loader == "":
		return files, nil
	case !own:
		return nil, failed(errors.New("it is dynamically linked"), "build it with CGO_ENABLED=0", "use %s", name)
	}
	more, err := sharedFiles(loader)
	return append(files, more...), err
}

func errNotLinux() error {
	return &Error{
		Doing: "find a linux binary of this program",
		Hint:  "build one with CGO_ENABLED=0 GOOS=linux go build -o shakedown-linux ./cmd/shakedown, and set " + agentVariable + " to it",
		Err:   fmt.Errorf("this one is for %s", runtime.GOOS),
	}
}

// goArch is what Go calls the machine; its own name if Go has none here.
func goArch(m elf.Machine) string {
	switch m {
	case elf.EM_X86_64:
		return "amd64"
	case elf.EM_AARCH64:
		return "arm64"
	}
	return m.String()
}

// interpreter is the loader that a dynamically linked program asks for; empty
// for a static one.
func interpreter(f *elf.File) string {
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			b := make([]byte, p.Filesz)
			if _, err := p.ReadAt(b, 0); err == nil {
				return string(bytes.TrimRight(b, "\x00"))
			}
		}
	}
	return ""
}

// sharedFiles are the loader, where the program asks for it, and every library
// that this process has mapped, under the name by which it is asked for.
func sharedFiles(loader string) ([]file, error) {
	data, err := os.ReadFile(loader)
	if err != nil {
		return nil, failed(err, "", "read the program's loader")
	}
	files := []file{{Path: loader, Mode: 0o755, Data: data}}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return nil, failed(err, "", "find this program's libraries")
	}
	for _, name := range mappedLibraries(string(maps)) {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, failed(err, "", "read this program's libraries")
		}
		files = append(files, file{Path: path.Join(libraryDir, soname(name, data)), Mode: 0o755, Data: data})
	}
	return files, nil
}

// mappedLibraries lists the files in /proc/self/maps that look like shared
// libraries, each once, sorted.
func mappedLibraries(maps string) []string {
	var names []string
	for line := range strings.Lines(maps) {
		if i := strings.IndexByte(line, '/'); i >= 0 {
			name := strings.TrimSpace(line[i:])
			if base := path.Base(name); strings.HasSuffix(base, ".so") || strings.Contains(base, ".so.") {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// soname is the name by which programs ask for the library.
func soname(name string, data []byte) string {
	if f, err := elf.NewFile(bytes.NewReader(data)); err == nil {
		if names, err := f.DynString(elf.DT_SONAME); err == nil && len(names) > 0 {
			return names[0]
		}
	}
	return path.Base(name)
}
