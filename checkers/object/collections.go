package object

import (
	"slices"
	"strconv"
	"strings"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/linear"
)

// collections are the models of what is counted or collected.
func collections() []model {
	return []model{
		{
			Model: Model{"set", "add, remove, contains of a value, which may be answered [value, true] or [value, false]; read of them all"},
			pick:  pickSet, step: stepSet, read: readSet,
		},
		{
			Model: Model{"log", "append (or add) of a value, read of them all, in order"},
			pick:  always(linear.Log), step: stepLog, read: readLog,
		},
		{
			Model: Model{"counter", "add (or increment, decrement) of a number, by itself 1; fetch-add, answered with what came out or [number, what came out]; read"},
			pick:  always(linear.Counter), first: "0", step: stepCounter, tell: tellValue, read: readCounter,
		},
	}
}

func readSet(t *thing, a *act) error {
	if a.op.Invoke.F == "read" {
		if a.unknown {
			return errNothing
		}
		return readWhole(t, a)
	}
	value, answer := a.given(), ""
	if v, said, ok := pair(a.answer()); ok && (string(said) == "true" || string(said) == "false") {
		value, answer = v, string(said)
	}
	if word := string(a.answer()); word == "true" || word == "false" {
		answer = word
	}
	a.arg, a.out = checkers.Canonical(value), answer
	kind, err := setKind(a, answer)
	if err != nil {
		return err
	}
	return a.does(kind, t.number(value))
}

// setKind: an addition that is answered with false found the value there.
func setKind(a *act, answer string) (linear.Kind, error) {
	switch a.f + " " + answer {
	case "add ", "insert ":
		return linear.Add, nil
	case "add true", "insert true":
		return linear.Insert, nil
	case "remove true", "delete true":
		return linear.Remove, nil
	case "remove ", "delete ":
		return linear.Discard, nil
	case "add false", "insert false", "contains true", "contains ":
		if a.unknown || answer == "" {
			return 0, errNothing
		}
		return linear.Has, nil
	case "remove false", "delete false", "contains false":
		if a.unknown {
			return 0, errNothing
		}
		return linear.Lacks, nil
	}
	return 0, errStrange
}

// pickSet: elements are independent of each other unless the set is read whole;
// and if it is, it is simple only if it only grows.
func pickSet(t *thing) (linear.Object, bool) {
	whole, other := false, false
	for i := range t.acts {
		kind := t.acts[i].lin.Kind
		whole = whole || kind == linear.Snapshot
		other = other || kind != linear.Snapshot && kind != linear.Add
	}
	if whole && other {
		for i := range t.acts {
			if a := &t.acts[i]; a.lin.Kind == linear.Snapshot {
				inOrder(t, a)
			}
		}
	}
	if whole {
		return linear.GrowSet, !other
	}
	return linear.Set, true
}

// stepSet has the values of the set in order, each behind a separator.
func stepSet(state string, a *act) []string {
	at, there := 0, false
	values := strings.Split(state, separator)[1:]
	if a.lin.Kind != linear.Snapshot {
		at, there = slices.BinarySearch(values, a.arg)
	}
	fits := true
	switch a.lin.Kind {
	case linear.Insert:
		fits = !there
	case linear.Remove, linear.Has:
		fits = there
	case linear.Lacks:
		fits = !there
	case linear.Snapshot:
		fits = state == a.out
	}
	switch {
	case !fits && !a.unknown:
		return nil
	case !there && (a.lin.Kind == linear.Add || a.lin.Kind == linear.Insert):
		values = slices.Insert(values, at, a.arg)
	case there && (a.lin.Kind == linear.Remove || a.lin.Kind == linear.Discard):
		values = slices.Delete(values, at, at+1)
	default:
		return []string{state}
	}
	return []string{sequence(values)}
}

// sequence writes values as a state.
func sequence(values []string) string {
	var b strings.Builder
	for _, v := range values {
		b.WriteString(separator + v)
	}
	return b.String()
}

func readLog(t *thing, a *act) error {
	switch a.f {
	case "append", "add":
		return a.does(linear.Add, t.number(a.given()))
	case "read":
		if a.unknown {
			return errNothing
		}
		return readWhole(t, a)
	}
	return errStrange
}

// stepLog has the numbers of the values.
func stepLog(state string, a *act) []string {
	if a.lin.Kind == linear.Add {
		return []string{state + separator + strconv.Itoa(a.lin.Value)}
	}
	texts := make([]string, len(a.lin.Whole))
	for i, n := range a.lin.Whole {
		texts[i] = strconv.Itoa(n)
	}
	if sequence(texts) != state {
		return nil
	}
	return []string{state}
}

func stepCounter(state string, a *act) []string {
	n, err := strconv.Atoi(state)
	sum := n + a.lin.Value
	switch kind := a.lin.Kind; {
	case err != nil:
		return nil
	case kind == linear.Read && n == a.lin.Value:
		return []string{state}
	case kind == linear.Read, kind == linear.FetchAdd && sum != a.lin.New:
		return nil
	}
	return []string{strconv.Itoa(sum)}
}

// readWhole reads what a read of all values saw.
func readWhole(t *thing, a *act) error {
	all, err := t.elements(a.answer())
	if err != nil {
		return err
	}
	a.lin.Whole = all
	return a.does(linear.Snapshot, 0)
}

// inOrder are the values of a whole read as [stepSet] has them.
func inOrder(t *thing, a *act) {
	texts := make([]string, len(a.lin.Whole))
	for i, n := range a.lin.Whole {
		texts[i] = t.show(n)
	}
	slices.Sort(texts)
	a.out = sequence(texts)
}

func readCounter(t *thing, a *act) error {
	if a.f == "read" {
		if a.unknown || isNull(a.answer()) {
			return errNothing
		}
		n, err := integer(a.answer())
		a.lin.Kind, a.lin.Value = linear.Read, n
		return err
	}
	delta, sign := a.asked(), 1
	if a.f == "decrement" || a.f == "decr" || a.f == "dec" {
		sign = -1
	}
	after, told := a.answer(), false
	if by, sum, ok := pair(a.answer()); ok {
		delta, after, told = by, sum, true
	}
	n, err := 1, error(nil)
	if !isNull(delta) {
		n, err = integer(delta)
	}
	a.lin.Kind, a.lin.Value = linear.Add, sign*n
	switch a.f {
	case "add", "increment", "inc", "incr", "decrement", "dec", "decr":
	case "fetch-add", "add-and-get":
		told = told || !isNull(after)
	default:
		return errStrange
	}
	if err != nil || !told || a.unknown {
		return err
	}
	a.lin.Kind = linear.FetchAdd
	a.lin.New, err = strconv.Atoi(checkers.Canonical(after))
	return err
}
