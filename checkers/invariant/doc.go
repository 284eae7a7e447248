// Package invariant judges what users wrote down themselves: what must never
// happen, in one line; rules and small models in Starlark files; programs of
// their own. Nobody needs Go for it; README.md is the guide for users.
//
// A [Rule] is a [checkers.Checker]. Rules come from a line of a scenario or a
// file of it ([FromEntry]), from a whole file ([Load]), or from the models that
// come with us ([Bundled]). A program of the user is a [Command].
//
// # The sandbox
//
// A script sees the history and nothing else: no files, no clock, no chance,
// no load, no while, no recursion. The same history gives the same result.
//
// Bounded are, for each call of a user's function: steps of the interpreter,
// and bytes put into new lists, strings, dictionaries and the like, whether they
// are still held or not; for what a rule keeps from call to call: its size and
// depth; for a model: the number of ways to explain the history. See [Limits]
// for the figures. The bytes are an estimate, right to a small factor. What
// runs out of them is Unknown, as is a script with an error in it, with the
// line, the column and the operation in hand. A violation that was found before
// stays one.
package invariant
