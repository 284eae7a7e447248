package agent

import "time"

// Verbs of a [Request] about disks.
const (
	// MountDisk puts a file system of the agent's own over the node's data:
	// Disk.Dir is the node's directory, as the agent sees it, in which
	// "mount" is what the node is given and "data" is what it shows. It is
	// there until the agent ends; mounting twice is no error.
	MountDisk = "mount-disk"
	// HurtDisk does to calls on the node's disk what Disk says, for the fault ID.
	HurtDisk = "hurt-disk"
	// MendDisk takes back what HurtDisk did for the fault ID; twice is no
	// error. It answers with the calls that were hit, as DiskHits does.
	MendDisk = "mend-disk"
	// DiskHits answers with the calls hit for the fault ID: Evidence and Number.
	DiskHits = "disk-hits"
	// PowerFail takes the disk of a node that was killed back to what was
	// synced, less or more as Disk.Lose and Disk.Seed say: Evidence, and the
	// bytes lost as Number.
	PowerFail = "power-fail"
	// KeepDisk copies the files at Disk.Path as they are now, for the fault ID.
	KeepDisk = "keep-disk"
	// HarmDisk damages files of a node that was killed, as Disk says, for the
	// fault ID: "bit-flip", "truncate", or "old-copy", which makes them what
	// they were when KeepDisk copied them for the same ID. With Disk.Restore
	// they are kept as they were before. Evidence, and the bytes changed as
	// Number, both read back.
	HarmDisk = "harm-disk"
	// UnharmDisk makes the files of a node that was killed what they were
	// before HarmDisk for the fault ID, if that was asked to keep them.
	UnharmDisk = "unharm-disk"
	// WipeDisk removes every file of a node that is down, for good.
	WipeDisk = "wipe-disk"
	// SweepDisks unmounts every disk below Disk.Dir, whoever mounted it.
	SweepDisks = "sweep-disks"
)

// A Disk is what is done to a node's disk; which fields matter is said at the
// verbs and kinds.
type Disk struct {
	// Dir is a directory as the agent sees it.
	Dir string `json:"dir,omitempty"`
	// Kind is "power-failure"; or what happens to calls: "eio", "enospc",
	// "read-only", "slow" or "full"; or to files at rest: "bit-flip",
	// "truncate" or "old-copy".
	Kind string `json:"kind,omitempty"`
	// Path is a pattern for the paths below the node's data that are hit;
	// empty: all. "*.wal" is any file of that form, "member/**" all in there.
	Path string `json:"path,omitempty"`
	// Ops are the kinds of calls that are hit, such as "sync"; empty: those
	// that the kind is about.
	Ops []string `json:"ops,omitempty"`
	// Probability is how likely a call is hit; 0: always.
	Probability float64 `json:"probability,omitempty"`
	// Delay is how long each call of a slow disk waits.
	Delay time.Duration `json:"delay_ns,omitempty"`
	// Room is how many bytes a full disk still takes.
	Room int64 `json:"room,omitempty"`
	// Lose is what a power failure loses of what was not synced: "all",
	// "torn" (all that comes after a random write, and part of that), or
	// "reordered" (any sectors).
	Lose string `json:"lose,omitempty"`
	// Files is how many files are harmed at rest, Bits how many bits of each
	// are flipped, Cut how many bytes are cut off each. 0 is one file, one
	// bit, and any number of bytes.
	Files int   `json:"files,omitempty"`
	Bits  int   `json:"bits,omitempty"`
	Cut   int64 `json:"cut,omitempty"`
	// Age is how old an old copy is.
	Age time.Duration `json:"age_ns,omitempty"`
	// Restore means that the heal puts back what was harmed at rest.
	Restore bool `json:"restore,omitempty"`
	// Seed makes draws repeatable.
	Seed uint64 `json:"seed,omitempty"`
}
