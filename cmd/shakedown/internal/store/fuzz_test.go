package store

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzUnpack: whatever a bundle holds, it is refused or becomes the folder of a
// run, made of regular files, and nothing is written beside it.
func FuzzUnpack(f *testing.F) {
	const id = "20261122T101502Z-7f3a91"
	for _, names := range [][]string{
		{id + "/plan.json", id + "/history.jsonl"}, {id + "/plan.json", id + "/../../beside"}, {"../plan.json"}, {id + "/plan.json", id + `/..\beside`},
		{id + "/plan.json", id + "/nodes/", id + "/nodes/n1/stdout.log"}, {id + "/plan.json", id + "/CON", id + "/a:b"},
	} {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for _, name := range names {
			w, err := z.Create(name)
			if err != nil {
				f.Fatal(err)
			}
			if _, err := w.Write([]byte("{}")); err != nil && !strings.HasSuffix(name, "/") {
				f.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	ram := "/dev/shm"
	if _, err := os.Stat(ram); err != nil {
		ram = f.TempDir()
	}
	f.Fuzz(func(t *testing.T, bundle []byte) {
		if len(bundle) > 1<<20 {
			return
		}
		dir, err := os.MkdirTemp(ram, "unpack") // a disk would be most of what is measured
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		file, into := filepath.Join(dir, "b.zip"), filepath.Join(dir, "into")
		if err := os.WriteFile(file, bundle, 0o600); err != nil {
			t.Fatal(err)
		}
		folder, err := Unpack(file, into)
		if (folder == nil) != (err != nil) {
			t.Fatalf("%v, and the error is %v", folder, err)
		}
		if err == nil {
			_ = folder.Info() // whatever is in its files
		}
		walk := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && !d.Type().IsRegular() {
				t.Fatalf("%s is no regular file", path)
			}
			return err
		})
		beside, err := os.ReadDir(dir)
		if walk != nil || err != nil || len(beside) > 2 {
			t.Fatalf("%v, %v: beside it is %v", walk, err, beside)
		}
	})
}
