// Package cut drops packets between nodes on a Linux bridge, with nftables.
//
// It keeps one table of its own in the bridge family, with the ordered pairs
// of addresses that must not reach each other in a set, and one chain that
// drops what the set names. Any partition is data in that set, and every
// change of it is one transaction for the whole cluster: no packet sees half
// of it. The chain comes first in the forward hook, so that established
// connections stall too, and nobody is told.
//
// The pairs expire in the kernel unless they are renewed: whatever becomes of
// the one who cut them, the network heals by itself.
package cut
