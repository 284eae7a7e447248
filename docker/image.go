package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"
)

const (
	// buildLimit bounds the making of one image: downloads and compiling.
	buildLimit = 10 * time.Minute
	// pullLimit bounds one pull.
	pullLimit = 10 * time.Minute
)

// An Image is an image that the engine has.
type Image struct {
	// Ref is how it is named: "shakedown/etcd:3.5.21-1f2e3d4c5b6a".
	Ref string
	// ID is its digest.
	ID string
	// Cached tells that it was there already.
	Cached bool
}

// Image makes the image of b, or finds that the engine has it. It needs the
// local Go toolchain and its module proxy, or apt and an archive of Debian's,
// and takes ten minutes at most.
// progress, which may be nil, is told in a line what is being waited for, and
// again every ten seconds.
func (e *Engine) Image(ctx context.Context, b Build, progress func(string)) (Image, error) {
	doing := "build image for " + b.title()
	sources, err := b.sources()
	if err != nil {
		return Image{}, failed(err, "", "%s", doing)
	}
	key := b.key(e.arch, sources)
	spec := imageSpec{Ref: b.ref(key), Arch: e.arch, Cmd: []string{b.Binary}}
	if img, ok, err := e.cached(ctx, spec.Ref, key); err != nil || ok {
		return img, failed(err, "", "%s", doing)
	}
	ctx, cancel := context.WithTimeout(ctx, buildLimit)
	defer cancel()
	if err := spec.fill(ctx, b, sources, quietIfNil(progress)); err != nil {
		return Image{}, failed(err, buildHint(err, b), "%s", doing)
	}
	spec.Labels[labelImage], spec.Labels[labelBuild] = "1", key
	img, err := e.load(ctx, spec)
	return img, failed(err, loadHint(err), "%s", doing)
}

// Program builds what b's image would hold, one static program for linux on
// arch ("amd64", "arm64"), without an engine. Builds of packages are no program.
func Program(ctx context.Context, b Build, arch string, progress func(string)) ([]byte, error) {
	doing := "build " + b.title()
	sources, err := b.sources()
	if err == nil && len(b.Packages) > 0 {
		err = errors.New("it is made of packages")
	}
	if err != nil {
		return nil, failed(err, "", "%s", doing)
	}
	ctx, cancel := context.WithTimeout(ctx, buildLimit)
	defer cancel()
	out, err := compile(ctx, b, arch, sources, quietIfNil(progress))
	if err != nil {
		return nil, failed(err, buildHint(err, b), "%s", doing)
	}
	return out.binary, nil
}

// fill makes what is in the image.
func (s *imageSpec) fill(ctx context.Context, b Build, sources map[string]string, progress func(string)) error {
	if len(b.Packages) > 0 {
		layer, from, err := unpack(ctx, b, s.Arch, progress)
		s.Layer, s.Labels = layer, map[string]string{labelDebian: from}
		return err
	}
	out, err := compile(ctx, b, s.Arch, sources, progress)
	s.Labels = map[string]string{labelGo: out.goVersion}
	s.Files = []file{{Path: b.Binary, Mode: 0o755, Data: out.binary}}
	return err
}

// cached finds the image that was made from what key stands for.
func (e *Engine) cached(ctx context.Context, ref, key string) (Image, bool, error) {
	i, err := e.api.ImageInspect(ctx, ref)
	if errdefs.IsNotFound(err) {
		return Image{}, false, nil
	}
	if err != nil {
		return Image{}, false, fmt.Errorf("look for image %s: %w", ref, err)
	}
	ok := i.Config != nil && i.Config.Labels[labelBuild] == key
	return Image{Ref: ref, ID: i.ID, Cached: true}, ok, nil
}

// load puts an image into the engine.
func (e *Engine) load(ctx context.Context, s imageSpec) (Image, error) {
	r, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := s.write(w)
		_ = w.CloseWithError(err) // never fails
		written <- err
	}()
	err := e.loadFrom(ctx, r)
	_ = r.Close() // so that the writer ends, even when the engine did not read it all
	if werr := <-written; werr != nil && !errors.Is(werr, io.ErrClosedPipe) {
		err = errors.Join(err, werr)
	}
	if err != nil {
		return Image{}, fmt.Errorf("load image %s: %w", s.Ref, err)
	}
	i, err := e.api.ImageInspect(ctx, s.Ref)
	if err != nil {
		return Image{}, fmt.Errorf("look for the image %s just loaded: %w", s.Ref, err)
	}
	return Image{Ref: s.Ref, ID: i.ID}, nil
}

func (e *Engine) loadFrom(ctx context.Context, tar io.Reader) error {
	answer, err := e.api.ImageLoad(ctx, tar)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return streamError(answer.Body)
}

// streamError reads the engine's progress messages to their end and returns
// the error among them, if there is one.
func streamError(r io.Reader) error {
	for d := json.NewDecoder(r); ; {
		var m struct {
			Error string `json:"error"`
		}
		switch err := d.Decode(&m); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case m.Error != "":
			return errors.New(m.Error)
		}
	}
}

// EnsureImage sees to it that the engine has the image, pulling it if it must.
func (e *Engine) EnsureImage(ctx context.Context, ref string, progress func(string)) error {
	_, err := e.api.ImageInspect(ctx, ref)
	switch {
	case err == nil:
		return nil
	case errdefs.IsInvalidArgument(err):
		return failed(err, "names look like name:tag or registry/name:tag, in lower case", "find image %q", ref)
	case !errdefs.IsNotFound(err):
		return failed(err, "", "find image %q", ref)
	}
	progress("pulling image " + ref)
	if err := e.pull(ctx, ref); err != nil {
		return failed(fmt.Errorf("the engine does not have it and could not pull it: %w", err),
			"check the name, or bring the image to this machine (docker save there, docker load here)", "find image %q", ref)
	}
	return nil
}

func (e *Engine) pull(ctx context.Context, ref string) error {
	ctx, cancel := context.WithTimeout(ctx, pullLimit)
	defer cancel()
	answer, err := e.api.ImagePull(ctx, ref, image.PullOptions{})
	if err != nil {
		return err
	}
	defer answer.Close()
	return streamError(answer)
}

func loadHint(err error) string {
	if err != nil && strings.Contains(err.Error(), "no space left") {
		return "the engine's disk is full: docker system df shows by what"
	}
	return ""
}

func quietIfNil(progress func(string)) func(string) {
	if progress == nil {
		return func(string) {}
	}
	return progress
}
