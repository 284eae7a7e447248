// Package playground makes a throw-away bridge with a few endpoints, each in a
// network namespace of its own, to try things on that must not touch the
// host's network. Nothing in it has a name outside this process: when the
// process ends, however it ends, the kernel takes all of it away.
package playground
