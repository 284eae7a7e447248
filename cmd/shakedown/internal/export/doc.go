// Package export writes a history in forms that other people's tools read. Each
// form is one file here; [Forms] names them all.
//
// What was run, as a whole, is not exported here but packed by package store.
package export
