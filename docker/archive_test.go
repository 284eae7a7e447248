package docker

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type entry struct {
	Name string
	Mode int64
	Dir  bool
}

func readTar(t *testing.T, b []byte) (entries []entry, data map[string][]byte) {
	t.Helper()
	data = map[string][]byte{}
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return entries, data
		}
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry{h.Name, h.Mode, h.Typeflag == tar.TypeDir})
		if data[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLayerHasEveryDirectoryOnceBeforeWhatIsInIt(t *testing.T) {
	layer, err := layerTar([]file{
		{"/usr/bin/node", 0o755, []byte("program")},
		{"/usr/lib/x.so", 0o644, nil},
		{"/top", 0o600, []byte("t")},
	})
	if err != nil {
		t.Fatal(err)
	}
	entries, data := readTar(t, layer)
	want := []entry{
		{"tmp/", 0o1777, true}, {"usr/", 0o755, true}, {"usr/bin/", 0o755, true}, {"usr/lib/", 0o755, true},
		{"usr/bin/node", 0o755, false}, {"usr/lib/x.so", 0o644, false}, {"top", 0o600, false},
	}
	if diff := cmp.Diff(want, entries); diff != "" {
		t.Error(diff)
	}
	if string(data["usr/bin/node"]) != "program" {
		t.Errorf("the program is %q", data["usr/bin/node"])
	}
}

func TestImageArchive(t *testing.T) {
	s := imageSpec{Ref: "shakedown/x:1", Arch: "arm64", Cmd: []string{"/x"}, Labels: map[string]string{"a": "b"},
		Files: []file{{"/x", 0o755, []byte("x")}}}
	var one, two bytes.Buffer
	if err := errors.Join(s.write(&one), s.write(&two)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("the same image came out differently")
	}
	_, data := readTar(t, one.Bytes())
	var manifest []struct {
		Config           string
		RepoTags, Layers []string
	}
	if err := json.Unmarshal(data["manifest.json"], &manifest); err != nil || len(manifest) != 1 {
		t.Fatalf("manifest: %v", err)
	}
	var config struct {
		Architecture, OS string
		Config           struct {
			Cmd    []string
			Labels map[string]string
		}
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		}
	}
	if err := json.Unmarshal(data[manifest[0].Config], &config); err != nil {
		t.Fatal(err)
	}
	layer := data[manifest[0].Layers[0]]
	if diff := cmp.Diff([]string{"sha256:" + digest(layer)}, config.RootFS.DiffIDs); diff != "" {
		t.Error(diff)
	}
	if config.Architecture != "arm64" || config.Config.Labels["a"] != "b" || manifest[0].RepoTags[0] != s.Ref {
		t.Errorf("got %+v in %+v", config, manifest)
	}
}

func TestImageArchiveReportsAFullDisk(t *testing.T) {
	full := errors.New("no space left")
	if err := (imageSpec{Files: []file{{"/x", 0, []byte("x")}}}).write(brokenWriter{full}); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

type brokenWriter struct{ err error }

func (b brokenWriter) Write([]byte) (int, error) { return 0, b.err }
