// Package cut drops packets between nodes on a Linux bridge, or between nodes
// and clients, with nftables.
//
// It keeps one table of its own in the bridge family (see package rules), with
// the ordered pairs of addresses that must not reach each other in a set. Any
// partition is data in that set, and every change of it is one transaction for
// the whole cluster: no packet sees half of it. The rules come first in the
// hooks, so that established connections stall too, and nobody is told.
//
// What goes between nodes is forwarded by the bridge; what goes between nodes
// and clients comes from its host or through it. The orchestrator speaks to
// the engine and to the agent by other ways, which are not cut.
//
// The pairs expire in the kernel unless they are renewed: whatever becomes of
// the one who cut them, the network heals by itself.
package cut
