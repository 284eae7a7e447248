// Package rules keeps a table of nftables that does one thing (drop, refuse)
// to the packets that go from some addresses to others, perhaps only of some
// ports.
//
// What is wanted is data: pairs of addresses in sets, which the rules of the
// table look up. So any change of what is wanted is one transaction, and no
// packet sees half of it. "Everybody who is no node" stands in a pair as no
// address at all; the table knows the nodes.
//
// The pairs expire in the kernel unless they are renewed: whatever becomes of
// the one who wanted them, the network heals by itself. They also count.
package rules
