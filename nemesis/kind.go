package nemesis

import (
	"context"
	"slices"
	"strings"
	"time"
)

// A kind is all that this package knows about one kind of fault. Each has a
// file of its own, named after it, that ends with its entry for the table.
type kind struct {
	// name is how scenarios and plans call it.
	name string
	// class says, together with [Rules], which others it may meet on a node.
	class func(Injection) Class
	// slow says that a step of it may take as long as a node takes to be made
	// and to get healthy.
	slow bool
	// needs are what must be prepared before the nodes start, such as
	// [NeedsDisks]; nil for nothing.
	needs []Need
	// make makes the fault for the nodes that the injection was resolved to.
	make func(in Injection, x Exec) fault
	// says tells what an injection does, for the history; all are all nodes.
	says func(in Injection, all []string) string
	// foretells tells what it will do, for a reader of the plan, in which
	// nodes may not be known yet; nil to name the target and say it.
	foretells func(in Injection, all []string) string
	// ahead is what must be done some time before the injection, and how long
	// before: 0 for nothing. The nodes may not be known yet.
	ahead func(in Injection) (before time.Duration, do func(ctx context.Context, x Exec) error)
	// aim settles what depends on the nodes, when a role has just been
	// asked; nil for nothing.
	aim func(in *Injection, all []string) error
	// drops are the ordered pairs of nodes between which everything is lost;
	// nil for none.
	drops func(in Injection) [][2]string
}

// A Need is something that a fault needs to be there before the nodes start.
type Need string

// NeedsDisks is a file system of the agent's under each node's data.
const NeedsDisks Need = "disks"

// kinds are all kinds of faults, those alike together.
func kinds() []kind {
	return []kind{
		// Of links between nodes.
		partitionKind(),
		latencyKind(),
		connectionsKind(),
		dnsKind(),

		// Of a node and its processes.
		killKind(),
		pauseKind(),
		clockKind(),
		resourcesKind(),

		// Of a node's disk.
		diskKind(),

		// Of the cluster as it is run.
		rollingKind(),
		membershipKind(),

		// Whatever the scenario says.
		customKind(),
	}
}

// Faults are the names of all faults that [Run] knows.
func Faults() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

func kindOf(name string) (kind, bool) {
	all := kinds()
	i := slices.IndexFunc(all, func(k kind) bool { return k.name == name })
	if i < 0 {
		return kind{}, false
	}
	return all[i], true
}

// Needs says whether the fault needs it before the nodes start.
func Needs(fault string, need Need) bool {
	k, _ := kindOf(fault)
	return slices.Contains(k.needs, need)
}

// Foretell says in a few words what an injection will do to whom; all are all
// nodes.
func Foretell(in Injection, all []string) string {
	k, ok := kindOf(in.Fault)
	switch {
	case !ok:
		return whom(in)
	case k.foretells != nil:
		return k.foretells(in, all)
	}
	return whom(in) + " " + k.says(in, all)
}

// whom names the nodes, or the target if they are not known yet.
func whom(in Injection) string {
	if len(in.Nodes) > 0 {
		return strings.Join(in.Nodes, " ")
	}
	return in.Target
}

// within is how long a step of the fault may take, if usual is what others may.
func within(fault string, usual time.Duration) time.Duration {
	if k, ok := kindOf(fault); ok && k.slow {
		return slowWithin
	}
	return usual
}
