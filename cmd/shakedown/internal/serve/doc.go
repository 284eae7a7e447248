// Package serve shows all runs in a browser: a list, each run's report, a run
// in progress as it goes, two runs side by side, and a run as one zip.
//
// It only reads. It answers only to the machine that it runs on, and only to
// pages of its own: see [Handler] for what it refuses. Everything that it shows
// was written by strangers, so it is escaped, and files from a run are never
// given a type that could act in the name of this program.
package serve
