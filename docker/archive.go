package docker

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"path"
	"slices"
	"strings"
	"time"
)

// A file is one regular file of an image.
type file struct {
	Path string // absolute
	Mode int64
	Data []byte
}

// An imageSpec is an image FROM scratch with one layer.
type imageSpec struct {
	Ref    string
	Arch   string
	Labels map[string]string
	Cmd    []string
	Env    []string
	Files  []file
	// Layer is the one layer, as a tar, if it is not made of Files.
	Layer []byte
}

// epoch is the time of everything in an image, so that the same files make
// the same image.
func epoch() time.Time { return time.Unix(0, 0).UTC() }

// write writes the image in the format of `docker save`, which every engine
// loads.
func (s imageSpec) write(w io.Writer) error {
	layer, err := s.layer()
	if err != nil {
		return err
	}
	config, err := s.config(layer)
	if err != nil {
		return err
	}
	configName, layerName := digest(config)+".json", digest(layer)+"/layer.tar"
	manifest, err := json.Marshal([]map[string]any{{
		"Config": configName, "RepoTags": []string{s.Ref}, "Layers": []string{layerName},
	}})
	if err != nil {
		return err
	}
	tw := tar.NewWriter(w)
	for _, f := range []file{{configName, 0o644, config}, {layerName, 0o644, layer}, {"manifest.json", 0o644, manifest}} {
		if err := addFile(tw, f); err != nil {
			return err
		}
	}
	return tw.Close()
}

func (s imageSpec) layer() ([]byte, error) {
	if s.Layer != nil {
		return s.Layer, nil
	}
	return layerTar(s.Files)
}

// config is the image's configuration, in JSON.
func (s imageSpec) config(layer []byte) ([]byte, error) {
	return json.Marshal(map[string]any{
		"architecture": s.Arch,
		"os":           "linux",
		"created":      epoch().Format(time.RFC3339),
		"config":       map[string]any{"Cmd": s.Cmd, "Env": s.Env, "Labels": s.Labels, "WorkingDir": "/"},
		"rootfs":       map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + digest(layer)}},
		"history":      []map[string]any{{"created": epoch().Format(time.RFC3339), "created_by": "shakedown"}},
	})
}

// layerTar returns a layer with the files, the directories that they are in,
// and /tmp, without which few programs are happy.
func layerTar(files []file) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(layerSize(files)) // or growing would take as much again
	tw := tar.NewWriter(&b)
	for _, dir := range directories(files) {
		mode := int64(0o755)
		if dir == "tmp" {
			mode = 0o1777
		}
		err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: mode, ModTime: epoch()})
		if err != nil {
			return nil, err
		}
	}
	for _, f := range files {
		if err := addFile(tw, f); err != nil {
			return nil, err
		}
	}
	if err := tw.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// layerSize is about how large a layer of the files is.
func layerSize(files []file) int {
	const headers = 4 << 10 // of a file and of the directories that it is in, with padding
	size := headers
	for _, f := range files {
		size += len(f.Data) + headers
	}
	return size
}

// directories lists /tmp and all directories above the files, each after its
// parent, without the leading slash.
func directories(files []file) []string {
	dirs := []string{"tmp"}
	for _, f := range files {
		for d := path.Dir(strings.TrimPrefix(path.Clean(f.Path), "/")); d != "."; d = path.Dir(d) {
			dirs = append(dirs, d)
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

func addFile(tw *tar.Writer, f file) error {
	h := &tar.Header{
		Typeflag: tar.TypeReg, Name: strings.TrimPrefix(path.Clean(f.Path), "/"),
		Mode: f.Mode, Size: int64(len(f.Data)), ModTime: epoch(),
	}
	if err := tw.WriteHeader(h); err != nil {
		return err
	}
	_, err := tw.Write(f.Data)
	return err
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
