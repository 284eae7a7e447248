package cli

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// What a run of five nodes should have. With less it works, slower.
const (
	enoughProcessors = 2
	enoughMemory     = 2 << 30
	enoughDisk       = 2 << 30
)

func processors() symptom {
	s := symptom{Name: "cpu", Status: wellOK, Detail: fmt.Sprintf("%d processors", runtime.NumCPU())}
	if runtime.NumCPU() < enoughProcessors {
		s.Status, s.Hint = wellWarn, "five nodes and their clients share them; expect timeouts that no fault caused"
	}
	return s
}

func memory() symptom {
	available, ok := availableMemory("/proc/meminfo")
	s := symptom{Name: "memory", Status: wellOK, Detail: gibibytes(available) + " available"}
	switch {
	case !ok:
		s.Status, s.Detail = wellWarn, "cannot be told on this system"
	case available < enoughMemory:
		s.Status, s.Hint = wellWarn, fmt.Sprintf("five nodes want about %s; set system.limits in the scenario", gibibytes(enoughMemory))
	}
	return s
}

// availableMemory reads what the kernel would give to new programs, in bytes.
func availableMemory(file string) (uint64, bool) {
	f, err := os.Open(file)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) >= 2 && fields[0] == "MemAvailable:" {
			kibibytes, err := strconv.ParseUint(fields[1], 10, 64)
			return kibibytes << 10, err == nil
		}
	}
	return 0, false
}

// ourMemory is what this process may still take, by the machine and by the limit
// of its control group.
func ourMemory() (uint64, bool) {
	available, known := availableMemory("/proc/meminfo")
	c, limited := confined("/proc/self/cgroup", "/sys/fs/cgroup")
	return least(available, c, limited), known
}

// least is what a machine's available memory and a limit leave together.
func least(available uint64, c confinement, limited bool) uint64 {
	switch {
	case !limited:
		return available
	case c.used > c.limit:
		return 0
	}
	return min(available, c.limit-c.used)
}

// memoryLimit is how many bytes the program may have while checks run: what it
// has already, and most of what there is beside. 0 where that cannot be told.
func memoryLimit() uint64 {
	available, known := ourMemory()
	if !known {
		return 0
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + available/10*8
}

func disk(dir string) symptom {
	free, err := freeDisk(dir)
	s := symptom{Name: "space", Status: wellOK, Detail: gibibytes(free) + " free for run folders"}
	switch {
	case err != nil:
		s.Status, s.Detail = wellWarn, "cannot be told: "+err.Error()
	case free < enoughDisk:
		s.Status, s.Hint = wellWarn, "a run writes some hundred megabytes at most; make room before a long one"
	}
	return s
}

func gibibytes(n uint64) string { return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30)) }
