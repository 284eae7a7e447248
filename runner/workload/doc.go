// Package workload draws up what the clients will do, before anything is done.
//
// A generator is pure: it takes numbers and a seed, and returns every
// operation of every client. It knows no clock, no system and no answers, so a
// plan that holds its result can be read, repeated and shrunk. [Register] is
// the one workload so far.
package workload
