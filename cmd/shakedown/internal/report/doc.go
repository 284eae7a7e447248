// Package report tells people and machines what a run found.
//
// A [Run] is everything that there is to tell. [Text] says it in a dozen lines
// on a terminal, [HTML] in one page that opens offline, [JUnit] in the form
// that test runners read. All of them say first what happened, then why we
// believe it, then whether the test was any good.
//
// What a report shows was written by strangers: the values that clients read,
// the errors that nodes returned. It is escaped everywhere and trusted nowhere.
package report
