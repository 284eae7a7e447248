// Package object judges whether objects are linearizable: mutexes, locks,
// leases, semaphores, queues, stacks, sets, counters, logs, maps. Registers are
// the business of package checkers itself, which tells more of their mistakes.
//
// [New] makes the checker of a model by its name; [Models] lists them with the
// operations that each knows. [Of] and [OfMany] make the checker of a model of
// the user's own, in Go.
//
// What all of them share: each key of the history is an object of its own, since
// a history is linearizable if and only if each object's is (Herlihy and Wing,
// 1990). What failed did not happen. What is unknown may have happened at any
// later time, or never. Time is the order of the events. Who decides is
// package linear; its exact special cases take O(n log n), its search is
// exponential in the operations that are open at once.
package object
