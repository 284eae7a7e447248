// Package tcp takes connections away: it resets established ones, and refuses
// new ones. Both are told to the two ends, unlike a partition, in which
// packets vanish and nobody is told.
//
// A reset asks the kernel of a node to abort its end of a connection, whose
// owner finds it aborted, and which tells the other end by a reset. A refusal
// is a rule in the network of the node that is asked: it answers the first
// packet of a connection as if nobody listened. It is there until it is taken
// back, is made again where the node starts again, and expires if nobody
// renews it.
package tcp
