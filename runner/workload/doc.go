// Package workload draws up what the clients will do, before anything is done.
//
// A generator is pure: it takes numbers and a seed, and returns every
// operation of every client. It knows no clock, no system and no answers, so a
// plan that holds its result can be read, repeated and shrunk.
//
// Every workload is a function of a [Spec]: [Register], [Append], [RWRegister],
// [Bank], [Set], [Queue], [Counter], [UniqueIDs], [Log], [Lock], [LongFork],
// [Monotonic], [WriteSkew], [Sequential] and [CausalReverse]; [Find] knows them
// by name, with the operations that read everything in the end. What they have in common makes their histories
// cheap to judge: a value is written only once, reads are of whole objects,
// keys are retired before too much is unknown about them, and nothing that a
// client does depends on what the others do but the names of keys and values.
// Each comment says what F, Key and Value of its operations are, and which
// names [Spec.Mix] may weigh.
package workload
