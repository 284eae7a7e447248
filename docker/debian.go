package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// A debPackage is one package of an image, as apt names it.
type debPackage struct{ name, version string }

// apt is the local package manager, at work in a directory of its own: it
// installs nothing and needs no rights.
type apt struct {
	path     string
	dir      string
	arch     string
	ownLists bool // whether the lists of packages are those that it fetched itself
	title    string
	progress func(string)
}

// findApt looks for apt-get and prepares it to work in dir.
func findApt(dir, arch string) (apt, error) {
	for _, tool := range []string{"apt-get", "dpkg-deb"} {
		if _, err := exec.LookPath(tool); err != nil {
			return apt{}, failed(err, "images of this kind are made from Debian's packages, on a machine that runs Debian or a relative of it; "+
				"elsewhere give the scenario an image: that the engine has", "find %s", tool)
		}
	}
	path, err := exec.LookPath("apt-get")
	if err != nil {
		return apt{}, err
	}
	for _, sub := range []string{"lists/partial", "archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return apt{}, err
		}
	}
	// No package is installed in there: what is needed, all is needed.
	return apt{path: path, dir: dir, arch: debianArch(arch)}, os.WriteFile(filepath.Join(dir, "status"), nil, 0o644)
}

// debianArch is Debian's word for an architecture of Go's.
func debianArch(arch string) string {
	switch arch {
	case "386":
		return "i386"
	case "arm":
		return "armhf"
	}
	return arch
}

// unpack makes the layer of an image out of b's packages and all that they
// need.
func unpack(ctx context.Context, b Build, arch string, progress func(string)) (layer []byte, version string, err error) {
	dir, err := os.MkdirTemp("", "shakedown-debian-")
	if err != nil {
		return nil, "", err
	}
	defer os.RemoveAll(dir)
	a, err := findApt(dir, arch)
	if err != nil {
		return nil, "", err
	}
	a.title, a.progress = "making "+b.title()+" from Debian's packages", progress
	all, err := a.fetch(ctx, b)
	if err != nil {
		return nil, "", err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil {
		return nil, "", err
	}
	a.progress(fmt.Sprintf("%s: unpacking %d packages", a.title, len(files)))
	layer, err = mergeLayer(ctx, files, b.Files)
	return layer, all[0].name + " " + all[0].version, err
}

// fetch puts the packages of b into a's directory and returns which they are,
// the one that b is about first. Lists that are missing or old are fetched anew.
func (a *apt) fetch(ctx context.Context, b Build) ([]debPackage, error) {
	all, err := a.fetchOnce(ctx, b)
	if err == nil || ctx.Err() != nil || !staleLists(err) {
		return all, err
	}
	a.ownLists = true
	// Some of the user's sources may be away, which need not be ours.
	if _, updated := a.run(ctx, "fetching the lists of packages", "update"); updated != nil && ctx.Err() != nil {
		return nil, updated
	}
	return a.fetchOnce(ctx, b)
}

func (a *apt) fetchOnce(ctx context.Context, b Build) ([]debPackage, error) {
	out, err := a.run(ctx, "finding the packages", append([]string{"install", "--print-uris", "-y"}, b.packages()...)...)
	if err != nil {
		return nil, err
	}
	all, err := needed(out, b)
	if err != nil {
		return nil, err
	}
	args := []string{"download"}
	for _, p := range all {
		args = append(args, p.name+"="+p.version)
	}
	_, err = a.run(ctx, fmt.Sprintf("downloading %d packages", len(all)), args...)
	return all, err
}

// packages are the names with the version filled in.
func (b Build) packages() []string {
	var out []string
	for _, p := range b.Packages {
		out = append(out, strings.ReplaceAll(p, "{version}", b.Version))
	}
	return out
}

// needed reads which packages apt would install, leaves out those that b goes
// without, and sees that the first of b's is of the version asked for.
func needed(out string, b Build) ([]debPackage, error) {
	main := b.packages()[0]
	var first, rest []debPackage
	for line := range strings.Lines(out) {
		p, ok := parseURI(line)
		switch {
		case !ok || without(b.Without, p.name):
		case p.name == main:
			first = append(first, p)
		default:
			rest = append(rest, p)
		}
	}
	if len(first) != 1 {
		return nil, fmt.Errorf("apt says nothing of package %s", main)
	}
	if got := upstream(first[0].version); !sameLine(got, b.Version) {
		return nil, failed(fmt.Errorf("package %s of this machine's Debian is %s, which is not %s", main, got, b.Version),
			fmt.Sprintf("write version: %q", got), "find %s", b.title())
	}
	return append(first, rest...), nil
}

// parseURI reads a line of apt-get --print-uris: 'uri' name_version_arch.deb
// size hash. Colons of versions are written %3a.
func parseURI(line string) (debPackage, bool) {
	fields := strings.Fields(line)
	if len(fields) < 3 || !strings.HasPrefix(fields[0], "'") {
		return debPackage{}, false
	}
	parts := strings.Split(strings.TrimSuffix(fields[1], ".deb"), "_")
	if len(parts) != 3 {
		return debPackage{}, false
	}
	version, err := url.PathUnescape(parts[1])
	return debPackage{parts[0], version}, err == nil
}

func without(patterns []string, name string) bool {
	for _, p := range patterns {
		if ok, err := path.Match(p, name); ok && err == nil {
			return true
		}
	}
	return false
}

// upstream is a package's version without Debian's own parts:
// "5:7.0.15-1~deb12u10" is 7.0.15.
func upstream(version string) string {
	if _, after, ok := strings.Cut(version, ":"); ok {
		version = after
	}
	if i := strings.LastIndex(version, "-"); i >= 0 {
		version = version[:i]
	}
	return version
}

// sameLine says whether version is the one asked for, or of that line: 15.8
// is of 15, 150 is not.
func sameLine(version, asked string) bool {
	rest, ok := strings.CutPrefix(version, asked)
	return ok && (rest == "" || !strings.ContainsAny(rest[:1], "0123456789"))
}

// options set a apart from what is installed on this machine.
func (a *apt) options() []string {
	set := map[string]string{
		"Dir::State::status": filepath.Join(a.dir, "status"), "Dir::Cache": a.dir,
		"APT::Architecture": a.arch, "APT::Architectures": a.arch,
		"APT::Install-Recommends": "false", "APT::Sandbox::User": "", "Debug::NoLocking": "true",
		// Nobody installs from here: what a hook of the user's would do is not wanted.
		"DPkg::Post-Invoke": "", "APT::Update::Post-Invoke": "", "APT::Update::Post-Invoke-Success": "",
	}
	if a.ownLists {
		set["Dir::State::lists"] = filepath.Join(a.dir, "lists")
	}
	var out []string
	for key, value := range set {
		out = append(out, "-o", key+"="+value)
	}
	return out
}

// run runs apt-get and returns what it printed. The error holds its last lines.
func (a *apt) run(ctx context.Context, phase string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, a.path, append(a.options(), args...)...)
	cmd.Dir, cmd.Env = a.dir, append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	killWithChildren(cmd)
	cmd.WaitDelay = 5 * time.Second
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	stop := sayMeanwhile(a.progress, a.title+": "+phase, func() string { return "" })
	err := cmd.Run()
	stop()
	if ctx.Err() != nil {
		return "", fmt.Errorf("%s: %w", phase, context.Cause(ctx))
	}
	if err != nil {
		return "", fmt.Errorf("%s: apt-get %s: %w\n%s", phase, args[0], err, tailOf(out.String()+said.String()))
	}
	return out.String(), nil
}

func tailOf(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
}

// staleLists says whether apt failed because its lists are missing, or name
// packages that the archive no longer has.
func staleLists(err error) bool {
	var known *Error
	if errors.As(err, &known) {
		return true // another version: the lists may be from before it
	}
	for _, says := range []string{"Unable to locate package", "404", "has no installation candidate", "Unable to fetch", "nothing of package"} {
		if strings.Contains(err.Error(), says) {
			return true
		}
	}
	return false
}

// debianHint says what to do about packages that could not be had.
func debianHint(err error) string {
	says := err.Error()
	switch {
	case strings.Contains(says, "Unable to locate package"):
		return "apt-cache search shows which there are; does the machine have sources of packages (/etc/apt)?"
	case strings.Contains(says, "no space left on device"):
		return "free some disk, or set TMPDIR to a place that has some"
	case strings.Contains(says, "Temporary failure resolving"), strings.Contains(says, "Could not connect"), strings.Contains(says, "Unable to connect"):
		return "the package archive cannot be reached: make the image once while online, it is kept"
	}
	return ""
}
