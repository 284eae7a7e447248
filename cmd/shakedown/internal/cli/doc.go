// Package cli is the command line: what each command reads, prints and returns.
//
// [Main] is the whole of it. It is given everything that it touches by an
// [Env] and returns the code to exit with, so that a test can run any command
// in its own process. Standard output is for the answer, standard error for
// everything else.
//
// The commands are one file each. What several of them need is in load.go (how
// a scenario is found), judge.go (how a folder gets its verdict), specs.go (how
// a scenario's checks become checkers) and cluster.go (how a plan becomes
// containers).
package cli
