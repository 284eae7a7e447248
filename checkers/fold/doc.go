// Package fold judges histories by properties that need no search: each
// checker passes over the operations once or a few times, in O(n) or
// O(n log n), and looks for what must not be there.
//
// Every constructor returns a [checkers.Checker] and says in its comment which
// operations it reads (their f and the JSON of their values), what property it
// decides, how and at what cost, when it answers Unknown, and what a
// counterexample looks like. What all of them share:
//
//   - Operations of different keys are independent unless the comment says
//     otherwise, and are judged one key after the other. They take linear
//     time, so that a key cannot hold up the others.
//   - What ended ok has happened, what failed never will, and what is unknown
//     may have happened or still may, at any time after its invocation. No
//     checker calls a history wrong that one of these could explain.
//   - One event is before another if its index is smaller: the history is in
//     order, and its times are for the reader only.
//   - Values are JSON and equal if they mean the same: 1.0 is 1, and the order
//     of an object's members and spaces do not matter.
//   - Operations with other names are ignored, except where the comment says so.
//   - A check whose context is done answers Unknown and says how far it got; a
//     violation found by then stands.
//   - Nothing to judge is Unknown, never Valid.
//
// Evidence holds the invocation and the completion of each operation that a
// finding rests on. At most three findings of a kind are told in sentences and
// at most a thousand are in the evidence; Counts have the true numbers, under
// the names of the kinds.
package fold
