// Package netem delays and loses what a node sends by the kernel's own netem,
// where the kernel has it.
//
// In the network of the sender, a queueing discipline of classes (HTB) is the
// root of the interface that leads to the others, and lets everything pass that
// nobody has put into a class. For each destination that is concerned there is
// a class, which ends in a netem. Who goes into which class is in a map of
// nftables, whose elements expire: when nobody renews them any more, all of it
// is still there and has no effect.
package netem
