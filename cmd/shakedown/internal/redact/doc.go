// Package redact replaces what a run's files hold of other people's data by
// tokens, such that whoever gets them can still judge the run, and learns
// nothing else.
//
// The same value becomes the same token wherever it stands, so that what the
// checks compare stays equal or different as it was. Numbers keep their order
// and their sign. Where a check computes with numbers even that changes
// the verdict, so there are several [Levels], and whoever uses them must judge
// the result again and take the first that gives the same answer.
//
// What shakedown itself has written stays: times, processes, names of
// operations, faults and nodes.
package redact
