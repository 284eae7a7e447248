// Package dns leaves the questions of nodes about names without an answer, or
// answers them wrongly.
//
// In the network namespace of the node that asks, the kernel hands us what it
// sends to port 53 of anybody (also of the engine's own resolver, which docker
// has in there) by a rule of nftables and a netfilter queue, before it is
// translated or leaves. We let it go on, keep it from going on, or turn it
// round with an answer of ours in it, as if it came from who was asked. The
// node needs nothing for it, and nobody is connected to who was asked.
//
// Only questions by UDP are answered; one by TCP, which resolvers ask when an
// answer was too long, goes unanswered.
//
// The rule says "bypass": when we are gone, whatever the reason, questions pass
// at once, and what the rule names expires in the kernel a little later.
package dns
