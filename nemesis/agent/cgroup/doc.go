// Package cgroup finds the control group of a process, freezes it and limits
// its resources, under either version of the kernel's interface, by plain reads
// and writes of files.
//
// A frozen process does not notice: no signal is sent, its parent is not told,
// and its kernel side (TCP acknowledgements, say) goes on.
package cgroup
