// Package slow delays, loses and reorders packets between nodes.
//
// Where the kernel of the node that sends has netem, and netem does what is
// asked for, it does it; see package netem. Everything else, and everything
// where it is missing, is done in user space, as follows.
//
// In the network namespace of the node that receives, the kernel hands us what
// comes from the nodes that are slowed, by a rule of nftables and a netfilter
// queue, and keeps each packet until we give our verdict: later, or never.
// That needs no traffic shaper in the kernel, which many lack, and gives every
// ordered pair of nodes a delay of its own; the sender notices nothing. A node
// that starts again has a new namespace, in which the rule is made again as
// soon as we are told. ARP is not slowed.
//
// The rule says "bypass": when we are gone, whatever the reason, packets pass
// at once (those that were held at that moment are lost), and what the rule
// names expires in the kernel a little later. They also pass where the queue
// overflows, rather than being lost.
package slow
