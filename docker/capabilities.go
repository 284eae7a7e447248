package docker

import "slices"

// capabilities are what the agent may do beyond an ordinary process, for the
// kinds of faults that the plan holds; nil means any. Nodes that are apart are
// cut off in their own networks, and not on a bridge.
//
// KILL and DAC_OVERRIDE it always has: nodes of other users are killed, frozen
// and, when all is healed, thawed.
func capabilities(faults []string, apart bool) []string {
	needs := map[string][]string{
		// Rules on the host's bridge.
		"partition": {"NET_ADMIN"},
		// Rules and queues in the networks of nodes, which must be opened
		// (SYS_PTRACE) and entered (SYS_ADMIN); packets that are sent twice.
		"latency":     {"NET_ADMIN", "NET_RAW", "SYS_ADMIN", "SYS_PTRACE"},
		"connections": {"NET_ADMIN", "SYS_ADMIN", "SYS_PTRACE"},
		"dns":         {"NET_ADMIN", "SYS_ADMIN", "SYS_PTRACE"},
		// The memory of processes.
		"clock": {"SYS_PTRACE"},
		// The limits of other users' processes, which only they may change.
		"resources": {"SETUID", "SETGID"},
		// File systems that are mounted; see withDisks for the rest.
		"disk": {"SYS_ADMIN"},
	}
	if apart {
		needs["partition"] = []string{"NET_ADMIN", "SYS_ADMIN", "SYS_PTRACE"}
	}
	out := []string{"KILL", "DAC_OVERRIDE"}
	for fault, some := range needs {
		if faults == nil || slices.Contains(faults, fault) {
			out = append(out, some...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
