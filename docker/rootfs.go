package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// maxLayer bounds an image made of packages; the largest of ours has 100 MB.
const maxLayer = 2 << 30

// A rootFS is a layer that is put together from packages.
type rootFS struct {
	out  bytes.Buffer
	tar  *tar.Writer
	seen map[string]bool
	own  map[string]string // files of the recipe, which win over a package's
}

// mergeLayer unpacks packages on top of each other and puts own files, by
// absolute path, over them.
func mergeLayer(ctx context.Context, debs []string, own map[string]string) ([]byte, error) {
	r := &rootFS{seen: map[string]bool{}, own: own}
	r.tar = tar.NewWriter(&r.out)
	if err := r.skeleton(); err != nil {
		return nil, err
	}
	slices.Sort(debs)
	for _, deb := range debs {
		if err := r.add(ctx, deb); err != nil {
			return nil, fmt.Errorf("unpack %s: %w", filepath.Base(deb), err)
		}
	}
	if err := r.addOwn(); err != nil {
		return nil, err
	}
	return r.out.Bytes(), r.tar.Close()
}

// mergedDirs are the directories that Debian has moved below /usr, while many
// packages still name the old place. A link stands there.
func mergedDirs() []string { return []string{"bin", "lib", "lib32", "lib64", "libx32", "sbin"} }

// skeleton is what every system has and no package brings.
func (r *rootFS) skeleton() error {
	for _, dir := range []string{"usr", "etc", "run", "var", "var/lib", "root", "home", "proc", "sys", "dev"} {
		if err := r.dir(dir, 0o755); err != nil {
			return err
		}
	}
	for _, dir := range []string{"tmp", "var/tmp"} {
		if err := r.dir(dir, 0o1777); err != nil {
			return err
		}
	}
	for _, dir := range mergedDirs() {
		if err := r.dir("usr/"+dir, 0o755); err != nil {
			return err
		}
		r.seen[dir] = true
		err := r.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: dir, Linkname: "usr/" + dir, Mode: 0o777, ModTime: epoch()})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *rootFS) dir(name string, mode int64) error {
	if r.seen[name] {
		return nil
	}
	r.seen[name] = true
	return r.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode, ModTime: epoch()})
}

// add unpacks one package. dpkg-deb knows its ways of compression.
func (r *rootFS) add(ctx context.Context, deb string) error {
	cmd := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", deb)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	copied := r.copyFrom(tar.NewReader(out))
	_, drained := io.Copy(io.Discard, out) // so that it ends, whatever we made of it
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("dpkg-deb: %w: %s", err, strings.TrimSpace(said.String()))
	}
	return errors.Join(copied, drained)
}

func (r *rootFS) copyFrom(in *tar.Reader) error {
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := r.entry(h, in); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
		if r.out.Len() > maxLayer {
			return fmt.Errorf("the image would have more than %d bytes", maxLayer)
		}
	}
}

// entry takes over one entry of a package.
func (r *rootFS) entry(h *tar.Header, data io.Reader) error {
	name := merged(h.Name)
	_, replaced := r.own["/"+name]
	if name == "" || r.seen[name] || replaced || superfluous(name) {
		return nil
	}
	r.seen[name] = true
	h.Name = name
	switch h.Typeflag {
	case tar.TypeDir:
		h.Name += "/"
	case tar.TypeLink:
		h.Linkname = merged(h.Linkname)
	}
	if err := r.tar.WriteHeader(h); err != nil {
		return err
	}
	_, err := io.Copy(r.tar, data)
	return err
}

// merged is an entry's name without its dot, below /usr if that is where it is
// in truth.
func merged(name string) string {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	top, _, _ := strings.Cut(name, "/")
	if slices.Contains(mergedDirs(), top) {
		return "usr/" + name
	}
	return name
}

// superfluous says whether a program can do without: what only people read.
func superfluous(name string) bool {
	for _, dir := range []string{"doc", "man", "info", "lintian", "locale", "bash-completion", "i18n", "bug"} {
		if strings.HasPrefix(name, "usr/share/"+dir+"/") {
			return true
		}
	}
	return false
}

// addOwn puts the recipe's files in place; a script can be run.
func (r *rootFS) addOwn() error {
	var files []file
	for name, text := range r.own {
		mode := int64(0o644)
		if strings.HasPrefix(text, "#!") {
			mode = 0o755
		}
		files = append(files, file{name, mode, []byte(text)})
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.Path, b.Path) })
	for _, dir := range directories(files) {
		if err := r.dir(dir, 0o755); err != nil {
			return err
		}
	}
	for _, f := range files {
		if err := addFile(r.tar, f); err != nil {
			return err
		}
	}
	return nil
}
