package disk

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// The reference model keeps whole copies: of the names after every change of
// them, and of each file's bytes as they were synced. It knows nothing of
// undoing.

type modelFile struct {
	dir           bool
	data, durable []byte
	sizes         map[int]bool          // that it may have after a partial loss
	values        map[int]map[byte]bool // that a byte may have
}

type modelNames map[string]*modelFile

// A modelStep is the names after a change, and whom a sync of saves it.
type modelStep struct {
	names    modelNames
	concerns []*modelFile
}

type model struct {
	steps []modelStep
	saved int // the step that is safe
}

func newModel() *model {
	return &model{steps: []modelStep{{names: modelNames{".": {dir: true}}}}}
}

func (m *model) names() modelNames { return m.steps[len(m.steps)-1].names }

// change makes the next step; the parents of the paths are concerned.
func (m *model) change(about *modelFile, paths []string, do func(n modelNames)) {
	next := maps.Clone(m.names())
	concerns := []*modelFile{about}
	for _, p := range paths {
		concerns = append(concerns, next[path.Dir(p)])
	}
	do(next)
	m.steps = append(m.steps, modelStep{next, concerns})
}

func (m *model) sync(f *modelFile) {
	f.durable, f.sizes, f.values = slices.Clone(f.data), nil, nil
	for i := len(m.steps) - 1; i > m.saved; i-- {
		if slices.Contains(m.steps[i].concerns, f) {
			m.saved = i
		}
	}
}

// write notes bytes that are written; size is what the file has afterwards.
func (f *modelFile) write(off int, data []byte, size int) {
	if f.sizes == nil {
		f.sizes, f.values = map[int]bool{}, map[int]map[byte]bool{}
	}
	if grow := max(size, off+len(data)) - len(f.data); grow > 0 {
		f.data = append(slices.Clone(f.data), make([]byte, grow)...)
	} else {
		f.data = slices.Clone(f.data)
	}
	copy(f.data[off:], data)
	f.data = f.data[:size]
	f.sizes[size] = true
	for i, b := range data {
		if f.values[off+i] == nil {
			f.values[off+i] = map[byte]bool{}
		}
		f.values[off+i][b] = true
		if (off+i+1)%sector == 0 || i == len(data)-1 {
			f.sizes[off+i+1] = true
		}
	}
}

// allows says why the file may not hold this after a partial loss, or nothing.
func (f *modelFile) allows(got []byte) string {
	if len(got) != len(f.durable) && !f.sizes[len(got)] {
		return fmt.Sprintf("it has %d bytes: neither the %d that were synced, nor a size since", len(got), len(f.durable))
	}
	for i, b := range got {
		if b != 0 && (i >= len(f.durable) || f.durable[i] != b) && !f.values[i][b] {
			return fmt.Sprintf("byte %d is %q, which was never there", i, b)
		}
	}
	return ""
}

// restart begins anew with these names and what the files are seen to hold.
func (m *model) restart(names modelNames) {
	for _, f := range names {
		f.durable, f.sizes, f.values = f.data, nil, nil
	}
	*m = model{steps: []modelStep{{names: names}}}
}

// seen reads a whole tree: contents by path, nil for directories.
func seen(dir string) (map[string][]byte, error) {
	out := map[string][]byte{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, p) // always below it
		if d.IsDir() {
			out[rel] = nil
			return nil
		}
		data, err := os.ReadFile(p)
		out[rel] = append([]byte{}, data...)
		return err
	})
	return out, err
}

func (n modelNames) fits(tree map[string][]byte) bool {
	for p, data := range tree {
		if n[p] == nil || n[p].dir != (data == nil) {
			return false
		}
	}
	return len(n) == len(tree)
}

// shared says whether the same names are one file.
func (n modelNames) shared(dir string) bool {
	seen, back := map[*modelFile]uint64{}, map[uint64]*modelFile{}
	for p, f := range n {
		var st unix.Stat_t
		if unix.Stat(filepath.Join(dir, p), &st) != nil {
			return false
		}
		if was, known := seen[f]; known && was != st.Ino || back[st.Ino] != nil && back[st.Ino] != f {
			return false
		}
		seen[f], back[st.Ino] = st.Ino, f
	}
	return true
}

// sim is a world and the model of it.
type sim struct {
	*world
	m *model
}

func modelPaths() []string {
	return []string{"a", "b", "d", "e", "d/a", "d/b", "e/a", "d/e", "d/e/a"}
}

func drawPath(t *rapid.T, label string) string {
	return rapid.SampledFrom(modelPaths()).Draw(t, label)
}

// among draws one of the paths for which it holds; "" if there is none.
func (s *sim) among(t *rapid.T, holds func(f *modelFile, p string) bool) string {
	var paths []string
	for _, p := range modelPaths() {
		if holds(s.m.names()[p], p) {
			paths = append(paths, p)
		}
	}
	if len(paths) == 0 {
		return ""
	}
	return rapid.SampledFrom(paths).Draw(t, "path")
}

// file draws a path that is a file; one is made if there is none.
func (s *sim) file(t *rapid.T) (string, *modelFile) {
	if s.among(t, isFile) == "" {
		s.create(t)
	}
	p := s.among(t, isFile)
	return p, s.m.names()[p]
}

func isFile(f *modelFile, _ string) bool { return f != nil && !f.dir }

// free draws a path that can be made.
func (s *sim) free(t *rapid.T) string {
	return s.among(t, func(f *modelFile, p string) bool {
		parent := s.m.names()[path.Dir(p)]
		return f == nil && parent != nil && parent.dir
	})
}

// actions are what can be done, the more often the longer its list is.
func (s *sim) actions() []func(*rapid.T) {
	return []func(*rapid.T){
		s.create, s.create, s.create, s.mkdir, s.mkdir, s.overwrite, s.overwrite, s.overwrite, s.append, s.append,
		s.truncate, s.truncate, s.fsync, s.fsync, s.fsyncDir, s.rename, s.rename, s.rename, s.link, s.unlink, s.rmdir,
		s.loseAll, s.losePart,
	}
}

func (s *sim) create(t *rapid.T) {
	p := s.free(t)
	if p == "" {
		return
	}
	s.world.write(p, nil, false)
	f := &modelFile{}
	s.m.change(f, []string{p}, func(n modelNames) { n[p] = f })
}

func (s *sim) mkdir(t *rapid.T) {
	p := s.free(t)
	if p == "" {
		return
	}
	s.must(os.Mkdir(s.path(p), 0o755))
	f := &modelFile{dir: true}
	s.m.change(f, []string{p}, func(n modelNames) { n[p] = f })
}

func (s *sim) put(t *rapid.T, p string, f *modelFile, off int) {
	data := bytes.Repeat([]byte{byte(rapid.IntRange('A', 'z').Draw(t, "byte"))}, rapid.IntRange(1, 3*sector).Draw(t, "length"))
	h, err := os.OpenFile(s.path(p), os.O_WRONLY, 0)
	s.must(err)
	must2(s.world)(h.WriteAt(data, int64(off)))
	s.must(h.Close())
	f.write(off, data, max(len(f.data), off+len(data)))
}

func (s *sim) overwrite(t *rapid.T) {
	p, f := s.file(t)
	s.put(t, p, f, rapid.IntRange(0, 4*sector).Draw(t, "offset"))
}

func (s *sim) append(t *rapid.T) {
	p, f := s.file(t)
	s.put(t, p, f, len(f.data))
}

func (s *sim) truncate(t *rapid.T) {
	p, f := s.file(t)
	size := rapid.IntRange(0, 4*sector).Draw(t, "size")
	s.must(os.Truncate(s.path(p), int64(size)))
	f.write(min(size, len(f.data)), make([]byte, max(0, size-len(f.data))), size)
}

func (s *sim) fsync(t *rapid.T) {
	p, f := s.file(t)
	h, err := os.OpenFile(s.path(p), os.O_RDWR, 0)
	s.must(err)
	s.must(h.Sync())
	s.must(h.Close())
	s.m.sync(f)
}

func (s *sim) fsyncDir(t *rapid.T) {
	p := drawPath(t, "dir")
	f := s.m.names()[p]
	if f == nil || !f.dir {
		p, f = ".", s.m.names()["."]
	}
	s.syncDir(p)
	s.m.sync(f)
}

func (s *sim) rename(t *rapid.T) {
	from, to := drawPath(t, "from"), drawPath(t, "to")
	names := s.m.names()
	f, over, parent := names[from], names[to], names[path.Dir(to)]
	if f == nil || from == to || f == over || parent == nil || !parent.dir || strings.HasPrefix(to, from+"/") {
		return
	}
	if over != nil && (over.dir != f.dir || names.children(to)) {
		return
	}
	s.must(unix.Rename(s.path(from), s.path(to))) // os.Rename refuses directories
	s.m.change(f, []string{from, to}, func(n modelNames) {
		delete(n, to)
		for p, child := range maps.Clone(n) {
			if rest, ok := strings.CutPrefix(p+"/", from+"/"); ok {
				delete(n, p)
				n[path.Join(to, rest)] = child
			}
		}
	})
}

func (n modelNames) children(dir string) bool {
	for p := range n {
		if strings.HasPrefix(p, dir+"/") {
			return true
		}
	}
	return false
}

func (s *sim) link(t *rapid.T) {
	from, f := s.file(t)
	to := s.free(t)
	if to == "" {
		return
	}
	s.must(os.Link(s.path(from), s.path(to)))
	s.m.change(f, []string{to}, func(n modelNames) { n[to] = f })
}

func (s *sim) unlink(t *rapid.T) {
	p, f := s.file(t)
	s.must(os.Remove(s.path(p)))
	s.m.change(f, []string{p}, func(n modelNames) { delete(n, p) })
}

func (s *sim) rmdir(t *rapid.T) {
	p := drawPath(t, "dir")
	f := s.m.names()[p]
	if f == nil || !f.dir || s.m.names().children(p) {
		return
	}
	s.must(os.Remove(s.path(p)))
	s.m.change(f, []string{p}, func(n modelNames) { delete(n, p) })
}

// agrees checks that what is seen is what the model has.
func (s *sim) agrees(t *rapid.T) {
	for _, dir := range []string{s.dir, s.back} {
		tree, err := seen(dir)
		s.must(err)
		if !s.m.names().fits(tree) {
			t.Fatalf("%s has %v, want %v", dir, slices.Sorted(maps.Keys(tree)), slices.Sorted(maps.Keys(s.m.names())))
		}
		for p, data := range tree {
			if want := s.m.names()[p].data; !bytes.Equal(data, want) {
				t.Fatalf("%s of %s has %d bytes %s, want %d bytes %s", p, dir, len(data), short(data), len(want), short(want))
			}
		}
	}
}

func (s *sim) loseAll(t *rapid.T) {
	_, err := s.fs.PowerFail(rapid.Uint64().Draw(t, "seed"), LoseAll)
	s.must(err)
	names := s.m.steps[s.m.saved].names
	for _, f := range names {
		f.data = f.durable
	}
	s.m.restart(names)
}

// losePart checks that what is left is allowed, and goes on with it.
func (s *sim) losePart(t *rapid.T) {
	loss := rapid.SampledFrom([]Loss{Torn, Reordered}).Draw(t, "loss")
	_, err := s.fs.PowerFail(rapid.Uint64().Draw(t, "seed"), loss)
	s.must(err)
	tree, err := seen(s.dir)
	s.must(err)
	for _, step := range s.m.steps[s.m.saved:] {
		if !step.names.fits(tree) || !step.names.shared(s.dir) {
			continue
		}
		why := ""
		for p, f := range step.names {
			why += f.allows(tree[p])
		}
		if why != "" {
			continue
		}
		for p, f := range step.names {
			f.data = tree[p]
		}
		s.m.restart(step.names)
		return
	}
	t.Fatalf("after %s no step since the last save allows %v", loss, slices.Sorted(maps.Keys(tree)))
}

// TestPowerFailAgainstTheModel does random things to a mount and to the model.
func TestPowerFailAgainstTheModel(t *testing.T) {
	w := mounted(t)
	defer func() { w.t = t }()
	rapid.Check(t, func(rt *rapid.T) {
		w.t = rt
		w.wipe()
		s := &sim{world: w, m: newModel()}
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			rapid.SampledFrom(s.actions()).Draw(rt, "action")(rt)
			s.agrees(rt)
		}
	})
}
