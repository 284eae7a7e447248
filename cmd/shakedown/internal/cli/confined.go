package cli

import (
	"math"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

// A confinement is how much memory a control group leaves this process.
type confinement struct {
	limit, used uint64 // in bytes
}

// confined reads the tightest limit on the memory of the process whose control
// groups are listed in groups (/proc/self/cgroup), below root
// (/sys/fs/cgroup); none if there is none, or none that can be read.
func confined(groups, root string) (tightest confinement, any bool) {
	text, err := os.ReadFile(groups)
	if err != nil {
		return confinement{}, false
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		at, limit, used := root, "memory.max", "memory.current" // version 2
		switch fields[1] {
		case "":
		case "memory":
			at, limit, used = path.Join(root, "memory"), "memory.limit_in_bytes", "memory.usage_in_bytes"
		default:
			continue
		}
		// What holds for a group holds for those in it. In a container the path
		// is the host's, and the group itself is at the root.
		for group := path.Clean("/" + fields[2]); ; group = path.Dir(group) {
			c := confinement{readBytes(path.Join(at, group, limit)), readBytes(path.Join(at, group, used))}
			c.used -= min(c.used, cached(path.Join(at, group, "memory.stat")))
			if c.limit > 0 && c.limit < noLimit && (!any || c.limit < tightest.limit) {
				tightest, any = c, true
			}
			if group == "/" {
				break
			}
		}
	}
	return tightest, any
}

// cached is how much of what a group uses are pages of files, which the kernel
// takes back when they are needed.
func cached(stat string) uint64 {
	text, err := os.ReadFile(stat)
	if err != nil {
		return 0
	}
	// With those of the groups in it; version 1 tells its own apart.
	var own, total uint64
	for line := range strings.Lines(string(text)) {
		name, number, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			continue
		}
		switch name {
		case "inactive_file", "active_file":
			own += n
		case "total_inactive_file", "total_active_file":
			total += n
		}
	}
	return max(own, total)
}

// noLimit is about what version 1 says where there is no limit: as much as fits.
const noLimit = math.MaxInt64 / 2

// readBytes reads a number from a file; 0 if there is none.
func readBytes(file string) uint64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0 // "max"
	}
	return n
}

// heapShare is how much of a control group's memory the collector of garbage
// lets the heap have: the rest is for stacks, the program and files in use.
const heapShare = 0.8

// KeepWithin makes the collector of garbage work harder as the limit of this
// process's control group comes near, rather than let the kernel kill it.
// GOMEMLIMIT in the environment counts more.
func KeepWithin(getenv func(string) string) {
	if c, ok := confined("/proc/self/cgroup", "/sys/fs/cgroup"); ok && getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(float64(c.limit) * heapShare))
	}
}
