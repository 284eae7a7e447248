package disk

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// An Op is a kind of call that rules tell apart.
type Op string

// The kinds of calls. Lookup, which is finding and looking at files, cannot
// be named in rules: the kernel answers most of it from memory.
const (
	Read      Op = "read"       // reads that the page cache cannot answer
	Write     Op = "write"      // writes, and write-backs of mapped memory
	Sync      Op = "sync"       // fsync and fdatasync, of files and directories
	Open      Op = "open"       // open to read, of files and directories
	OpenWrite Op = "open-write" // open to write
	Create    Op = "create"     // every making of a name: create, mkdir, link, symlink, mknod
	Remove    Op = "remove"     // unlink and rmdir
	Rename    Op = "rename"     // by either name
	Truncate  Op = "truncate"   // truncate and ftruncate
	Allocate  Op = "allocate"   // fallocate
	SetAttr   Op = "attributes" // chmod, chown, utimes, setxattr
	Lookup    Op = "lookup"
)

// A Kind is what a rule does to a call.
type Kind string

// The kinds of rules.
const (
	// EIO fails calls with EIO: unless told otherwise reads, writes and syncs.
	EIO Kind = "eio"
	// ENOSPC fails calls with ENOSPC: unless told otherwise every write,
	// creation and allocation.
	ENOSPC Kind = "enospc"
	// ReadOnly fails every change with EROFS, also through handles that are
	// open, as Linux does after it has remounted a broken disk.
	ReadOnly Kind = "read-only"
	// Slow delays calls by Delay: unless told otherwise reads, writes and
	// syncs.
	Slow Kind = "slow"
	// Full leaves room for Room more bytes. What is freed can be used again,
	// what a file has already can be overwritten, and a new name takes 4 KiB.
	// It counts over the whole disk: Path, Ops and Probability do not apply.
	Full Kind = "full"
)

// affected are the calls that a kind affects unless told otherwise.
func (k Kind) affected() []Op {
	switch k {
	case EIO, Slow:
		return []Op{Read, Write, Sync}
	case ENOSPC:
		return []Op{Write, Create, Allocate}
	case ReadOnly:
		return []Op{OpenWrite, Write, Create, Remove, Rename, Truncate, Allocate, SetAttr}
	case Full:
		return []Op{Write, Create, Allocate}
	}
	return nil
}

// A Rule makes calls fail or wait until it is healed.
type Rule struct {
	// ID names the rule for [FS.Heal] and [FS.Counters].
	ID   string
	Kind Kind
	// Path is a pattern for paths below the root, as in [Match]; empty: all.
	Path string
	// Ops are the calls concerned; empty: those that the Kind says.
	Ops []Op
	// Probability is how likely each call is to be hit; zero: always.
	Probability float64
	// Seed begins the random numbers for Probability.
	Seed uint64
	// Delay is how long a slow call waits.
	Delay time.Duration
	// Room is how many bytes a full disk still has.
	Room int64
}

// check says what is wrong with a rule.
func (r Rule) check() error {
	switch {
	case r.ID == "":
		return fmt.Errorf("a disk rule needs an ID")
	case r.Kind.affected() == nil:
		return fmt.Errorf("there is no kind %q of disk rule: eio, enospc, read-only, slow and full are", r.Kind)
	case r.Kind == Slow && r.Delay <= 0:
		return fmt.Errorf("a slow disk needs a delay")
	case r.Kind == Full && r.Room < 0:
		return fmt.Errorf("a full disk cannot have %d bytes of room", r.Room)
	case r.Probability < 0 || r.Probability > 1:
		return fmt.Errorf("a probability of %v is not between 0 and 1", r.Probability)
	}
	all := append(ReadOnly.affected(), Read, Sync, Open)
	for _, op := range r.Ops {
		if !slices.Contains(all, op) {
			return fmt.Errorf("there is no call %q for disk rules", op)
		}
	}
	return checkPattern(r.Path)
}

func checkPattern(pattern string) error {
	for part := range strings.SplitSeq(pattern, "/") {
		if _, err := path.Match(part, ""); err != nil {
			return fmt.Errorf("path %q: %w", pattern, err)
		}
	}
	return nil
}

// Match says whether a path below the root, such as "member/wal/0.wal",
// matches a pattern. A pattern without a slash is matched with the last part
// of the path; otherwise part by part, each as in [path.Match], where the part
// "**" stands for any number of parts. The empty pattern matches everything.
func Match(pattern, name string) bool {
	if pattern == "" {
		return true
	}
	if !strings.Contains(pattern, "/") && pattern != "**" {
		ok, _ := path.Match(pattern, path.Base(name)) // a bad pattern was refused before
		return ok
	}
	return matchParts(strings.Split(strings.Trim(pattern, "/"), "/"), strings.Split(name, "/"))
}

func matchParts(pattern, parts []string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			for i := range len(parts) + 1 {
				if matchParts(pattern[1:], parts[i:]) {
					return true
				}
			}
			return false
		}
		if len(parts) == 0 {
			return false
		}
		if ok, _ := path.Match(pattern[0], parts[0]); !ok {
			return false
		}
		pattern, parts = pattern[1:], parts[1:]
	}
	return len(parts) == 0
}

// Counters are the evidence of a rule.
type Counters struct {
	// Failed and Delayed are the calls that were.
	Failed, Delayed int64
	// Bytes are those that writes were refused.
	Bytes int64
	// By are the calls hit, by their kind.
	By map[Op]int64
}

// String says it in a few words.
func (c Counters) String() string {
	if c.Failed+c.Delayed == 0 {
		return "no call was hit"
	}
	var parts []string
	for _, op := range append(ReadOnly.affected(), Read, Sync, Open) {
		if c.By[op] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.By[op], op))
		}
	}
	what := "failed"
	if c.Delayed > 0 {
		what = "delayed"
	}
	return fmt.Sprintf("calls %s: %s", what, strings.Join(parts, ", "))
}
