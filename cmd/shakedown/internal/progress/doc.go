// Package progress shows a run to whoever started it, while it goes on.
//
// There are three ways to show one, each a [Watcher]: [Live], a few lines at
// the bottom of a terminal, redrawn in place; [Plain], a line an event, for
// logs; and [Stream], an object a line, for programs. What Live shows is
// computed by [Board], which knows no terminal; how it gets onto the terminal
// is the business of [Screen], which knows no run.
//
// Nothing that a node or a log says is trusted: it cannot end a line or move
// the cursor.
package progress
