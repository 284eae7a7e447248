// Package txn judges transactions over lists and registers: which isolation
// levels the history rules out, and which it proves.
//
// [ListAppend] is for transactions that append to lists and read them whole:
// a read shows the order of all writes before it, so nearly everything can be
// inferred. [RWRegister] is for transactions that write and read registers:
// the order of the writes has to be inferred from what is known.
//
// Both build a graph of which transaction must come before which, with the
// reason for each edge (write-write, write-read, read-write, process,
// realtime), after Adya's thesis and Elle (Kingsbury and Alvaro, 2020). A
// cycle is a contradiction; which edges it needs tells which levels it rules
// out. Whether there is a cycle is decided by strongly connected components,
// level by level, never by a search that might run out of time; the search is
// only for short examples.
//
// An operation is a transaction if its F is "txn". Its value is a list of
// micro-operations: ["append", k, v], ["w", k, v], ["r", k, what was read].
// Keys and values are any JSON; two are the same if they are the same text.
//
// Registers do not always show in which order they were written, nor lists in
// which order what nobody read was appended. What inference leaves open is
// settled by a search ([Options.Level] of serializability or snapshot isolation,
// with sessions and time or without): a polygraph, whose choices are which of
// two writers was first, and a solver that learns from each cycle. It finds an
// order, or that there is none, which it tells case by case; or it gives up after
// so much work, and the verdict is unknown and says how far it got.
//
// What is assumed. A transaction that ended as ok was committed. One that
// failed was not. One with an unknown outcome was committed if a committed
// transaction read what it wrote; if nobody did, it is left out, which never
// makes a history wrong that was right with it. Objects begin as nil, which is
// also the empty list. Whenever an order of versions that was inferred rests
// on a level (that a transaction which reads before it writes replaces what it
// read, say), it is held only against the levels that promise it.
package txn
