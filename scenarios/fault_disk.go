package scenarios

import (
	"path"
	"slices"
	"strings"
	"time"
)

// maxStall bounds what each call on a slow disk waits.
const maxStall = 10 * time.Second

// maxRoom bounds the room that a full disk still has.
const maxRoom = 1 << 40

// A Disk is what is done to the disk of a node.
type Disk struct {
	// Kind is power-failure, eio, enospc, read-only, slow, full, bit-flip,
	// truncate or old-copy.
	Kind string `json:"kind"`
	// Path is a pattern for the files below system.data that are hit: "*.wal"
	// for any file of that form, "etcd/member/**" for all in there. Empty: all.
	Path string `json:"path,omitempty"`
	// Calls are the kinds of calls that are hit: read, write, sync, open,
	// create, remove, rename, truncate. Empty: those that the kind is about.
	Calls []string `json:"calls,omitempty"`
	// Delay is how much longer each call on a slow disk takes.
	Delay time.Duration `json:"delay_ns,omitempty"`
	// RoomBytes is what a full disk still takes.
	RoomBytes int64 `json:"room_bytes,omitempty"`
	// Lose is what a power failure loses: all, torn or reordered.
	Lose string `json:"lose,omitempty"`
	// Files, Bits, CutBytes, Age and Restore are of files harmed at rest: in
	// how many files, how many bits are flipped, how many bytes are cut off (0:
	// any number), how old the copy is, and whether the heal puts back what
	// there was.
	Files    int           `json:"files,omitempty"`
	Bits     int           `json:"bits,omitempty"`
	CutBytes int64         `json:"cut_bytes,omitempty"`
	Age      time.Duration `json:"age_ns,omitempty"`
	Restore  bool          `json:"restore,omitempty"`
}

// DiskKinds are what the `kind` of a disk fault can be.
func DiskKinds() []Word {
	return []Word{
		{"power-failure", "kill the node, and take its disk back to what it had synced; lose says how much of the rest is lost"},
		{"eio", "calls fail with EIO: reads, writes and syncs, unless calls names others"},
		{"enospc", "calls that take space fail with ENOSPC"},
		{"read-only", "every change fails with EROFS"},
		{"slow", "every read, write and sync takes longer, by what takes says"},
		{"full", "the disk takes no more than room bytes"},
		{"bit-flip", "kill the node, flip bits in files, start it on them; there is no heal for data, but restore: true keeps a copy for it"},
		{"truncate", "the same, with bytes cut off the end of files"},
		{"old-copy", "the same, with files made what they were age before, those that came later removed"},
	}
}

// Losses are what `lose` can be.
func Losses() []Word {
	return []Word{
		{"all", "everything that was not synced"},
		{"torn", "what came after a moment drawn from the seed, and part of the last write"},
		{"reordered", "any sectors of what was not synced, drawn from the seed"},
	}
}

func diskCalls() []string {
	return []string{"read", "write", "sync", "open", "create", "remove", "rename", "truncate"}
}

func diskFault() faultKind {
	return faultKind{
		word:    Word{"disk", "make calls on the node's files fail or wait, or fail its power so that what was not synced is lost; kind says which"},
		options: []string{"target", "kind", "path", "calls", "takes", "room", "lose", "files", "bits", "cut", "age", "restore"},
		example: "kind: power-failure",
		read:    readDisk,
		words:   []Vocabulary{{"kinds of disk faults", DiskKinds()}, {"losses", Losses()}},
	}
}

// readDisk reads what is done to a disk.
func readDisk(s section, f *Fault, sc *Scenario) {
	readTarget(s, f, sc)
	var d Disk
	s.word("kind", "kind of disk fault", &d.Kind, names(DiskKinds()))
	s.word("lose", "loss", &d.Lose, names(Losses()))
	s.text("path", &d.Path)
	s.duration("takes", &d.Delay, 100*time.Microsecond, maxStall)
	read(s, "room", &d.RoomBytes, func(v value) (int64, bool) { return measure(v, "a size, as in 1MiB", parseSize) })
	read(s, "calls", &d.Calls, func(v value) ([]string, bool) { return v.texts("calls, as in [sync]") })
	readHarm(s, &d)
	f.Disk = &d
	if !s.need("kind", "say what happens, as in kind: power-failure") {
		return
	}
	if sc.System.Data == "" {
		s.at("fault").report("the system keeps nothing on a disk of its own", "name the directory of its files, as in system: {data: /data}")
	}
	checkDisk(s, &d)
}

// maxHarm bounds how many files and bits are harmed.
const maxHarm = 1_000_000

func readHarm(s section, d *Disk) {
	s.integer("files", &d.Files, 1, maxHarm)
	s.integer("bits", &d.Bits, 1, maxHarm)
	read(s, "cut", &d.CutBytes, func(v value) (int64, bool) { return measure(v, "a size, as in 4KiB", parseSize) })
	s.duration("age", &d.Age, minTime, maxPhase)
	s.truth("restore", &d.Restore)
}

// checkDiskOptions reports options that belong to other kinds.
func checkDiskOptions(s section, d *Disk) {
	belongs := map[string][]string{
		"lose": {"power-failure"}, "takes": {"slow"}, "room": {"full"},
		"files": {"bit-flip", "truncate"}, "bits": {"bit-flip"}, "cut": {"truncate"}, "age": {"old-copy"},
		"restore": {"bit-flip", "truncate", "old-copy"},
		"path":    {"eio", "enospc", "read-only", "slow", "bit-flip", "truncate", "old-copy"},
		"calls":   {"eio", "enospc", "read-only", "slow"},
	}
	for option, kinds := range belongs {
		if s.has(option) && d.Kind != "" && !slices.Contains(kinds, d.Kind) {
			s.at(option).reportf("leave it out", "%s does not belong to the kind %s: it is for %s", option, d.Kind, orList(kinds))
		}
	}
}

// checkDisk reports options that do not fit the kind.
func checkDisk(s section, d *Disk) {
	checkDiskOptions(s, d)
	switch {
	case d.Kind == "power-failure" && d.Lose == "":
		d.Lose = "all"
	case d.Kind == "slow" && !s.has("takes"):
		s.report("nothing says how slow the disk is", "add takes: 50ms, for each call to take so much longer")
	case d.Kind == "old-copy" && !s.has("age"):
		s.report("nothing says how old the copy is", "add age: 5s, for files as they were 5s before the fault comes")
	case d.RoomBytes > maxRoom:
		s.at("room").report("that much room is no full disk", "at most 1TiB")
	}
	for _, call := range d.Calls {
		if !slices.Contains(diskCalls(), call) {
			s.at("calls").reportf("it can be "+orList(diskCalls()), "there is no call %q", call)
		}
	}
	for part := range strings.SplitSeq(d.Path, "/") {
		if _, err := path.Match(part, ""); err != nil {
			s.at("path").reportf("as in *.wal, or etcd/member/**", "%q is no pattern for paths", d.Path)
			return
		}
	}
}
