package agent

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Verbs of a [Request] about a node's processes.
const (
	// Kill sends SIGKILL to the node's main process, or to those that Process
	// names, and waits until they are gone. A frozen node is thawed by it,
	// since nothing of it could die otherwise; if it lives on, it is frozen
	// again. Number is how many were killed.
	Kill = "kill"
	// Stop sends SIGTERM to the same processes, for the fault ID, and does not
	// wait. A frozen node is thawed by it, as above.
	Stop = "stop"
	// Stopped answers with how many of those have not ended yet as Number.
	Stopped = "stopped"
	// Processes answers with the node's processes that Process names, or all,
	// as Evidence, and how many there are as Number.
	Processes = "processes"
	// Freeze makes every process of the node stand still, or those that
	// Process names, in the way that How says. Frozen by several IDs, they
	// stay so until the last one thaws them. A node that is down, or killed
	// meanwhile, is frozen as soon as it runs: the reply is then Pending.
	Freeze = "freeze"
	// Frozen answers with how it is seen that what Freeze was asked for by the
	// fault ID stands still; an error if it does not.
	Frozen = "frozen"
	// Thaw takes back what Freeze did for the fault ID; twice is no error.
	Thaw = "thaw"
	// SetClock shows every process of the node the Clock, for the fault ID;
	// again with another one is a jump. The host's own clock is never touched,
	// unless the Clock says so and a hello has allowed it.
	SetClock = "set-clock"
	// ResetClock takes back what SetClock did for the fault ID; twice is no error.
	ResetClock = "reset-clock"
	// ReadClock answers with the node's clock as read back from the memory of
	// its processes: Evidence, Clock (none is the real one), and how far it is
	// off just now as Number, in nanoseconds.
	ReadClock = "read-clock"
	// Limit bounds what the node may use of the processor, memory, processes
	// or file descriptors, as Limits says, for the fault ID; of several, the
	// last counts. A node that is down gets it when it runs: the reply is then
	// Pending.
	Limit = "limit"
	// Limited answers with what Limits of the fault ID have done to the node so
	// far: Evidence, and how often as Number: 0 until each has been felt.
	Limited = "limited"
	// Unlimit takes back what Limit did for the fault ID, and reads back that
	// all is as it was; twice is no error.
	Unlimit = "unlimit"
)

// Ways of [Freeze].
const (
	ByFreezer = "freezer"
	BySigstop = "sigstop"
	// ByPolicy is how a node is killed whose restart policy is to start it again:
	// whoever keeps the policy must leave it in force. The agent kills as ever.
	ByPolicy = "policy"
)

// Limits are bounds of what a node may use. Zero is none.
type Limits struct {
	// CPUs is how much of the processors: 0.1 is a tenth of one.
	CPUs float64 `json:"cpus,omitempty"`
	// Memory is in bytes, swap included.
	Memory int64 `json:"memory,omitempty"`
	// Pids is how many processes and threads the node may have.
	Pids int64 `json:"pids,omitempty"`
	// Files is how many file descriptors each process may have: the soft
	// limit, which a process of its own accord may raise again.
	Files int64 `json:"files,omitempty"`
}

// String says the limits, as in "0.1 processors, 64 MiB of memory".
func (l Limits) String() string {
	var says []string
	if l.CPUs != 0 {
		says = append(says, strconv.FormatFloat(l.CPUs, 'f', -1, 64)+" processors")
	}
	if l.Memory != 0 {
		says = append(says, strconv.FormatFloat(float64(l.Memory)/(1<<20), 'f', -1, 64)+" MiB of memory")
	}
	if l.Pids != 0 {
		says = append(says, fmt.Sprintf("%d processes and threads", l.Pids))
	}
	if l.Files != 0 {
		says = append(says, fmt.Sprintf("%d file descriptors a process", l.Files))
	}
	return strings.Join(says, ", ")
}

// A Clock is what a node is shown: the real time, and more by Offset and by
// Rate; or by Other instead of Offset, in every second Period.
type Clock struct {
	Offset time.Duration `json:"offset_ns,omitempty"`
	Other  time.Duration `json:"other_ns,omitempty"`
	// Period is how long each of the two is shown; 0: always Offset.
	Period time.Duration `json:"period_ns,omitempty"`
	// Rate is by how many nanoseconds a second the clock is too fast, from
	// when it was set; [vdso.Still] stops it.
	Rate int64 `json:"rate_ppb,omitempty"`
	// Clocks are which of the node's clocks: "realtime" if there are none,
	// "monotonic", "boottime".
	Clocks []string `json:"clocks,omitempty"`
	// Host means the clock of the host itself, of which only Offset can be
	// wrong, and which a hello must have allowed.
	Host bool `json:"host,omitempty"`
}
