package invariant

import (
	"errors"
	"fmt"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// errTooLarge ends a call that puts more into new values than it may.
var errTooLarge = errors.New("this makes more new values than one call may; " +
	"it is stopped so that a script cannot take the machine's memory")

// A budget is how many bytes the running call may still put into new values.
type budget struct{ left, spent int64 }

// budgetKey is where a thread keeps its budget.
const budgetKey = "budget"

// charge takes the price of new values from the thread's budget.
func charge(thread *starlark.Thread, bytes int64) error {
	b, ok := thread.Local(budgetKey).(*budget)
	if !ok || bytes < 0 {
		return errTooLarge
	}
	b.left -= bytes
	b.spent += bytes
	if b.left < 0 {
		return errTooLarge
	}
	return nil
}

// size is about what v itself takes, without what it holds.
func size(v starlark.Value) int64 {
	switch v := v.(type) {
	case starlark.String:
		return 16 + int64(len(v))
	case starlark.Bytes:
		return 16 + int64(len(v))
	case starlark.Int:
		if _, small := v.Int64(); small {
			return 16
		}
		return 32 + int64(v.BigInt().BitLen()/8)
	case *starlark.Dict:
		return 64 + 64*int64(v.Len())
	case *starlark.Set:
		return 64 + 48*int64(v.Len())
	case starlark.Sequence:
		return 48 + 16*int64(v.Len())
	}
	return 32
}

// A weigher adds up what a value and all that it holds take; what is held
// twice counts twice.
type weigher struct {
	bytes, limit int64
}

func (w *weigher) add(v starlark.Value, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("this value is nested more than %d deep", maxDepth)
	}
	if w.bytes += size(v); w.bytes > w.limit {
		return errTooLarge
	}
	switch v := v.(type) {
	case *starlark.Dict:
		for _, item := range v.Items() {
			if err := errors.Join(w.add(item[0], depth+1), w.add(item[1], depth+1)); err != nil {
				return err
			}
		}
		return nil
	case *starlark.List, starlark.Tuple, *starlark.Set:
		return w.all(v.(starlark.Iterable), depth)
	case *operations:
		return nil // it belongs to us
	}
	return nil
}

func (w *weigher) all(v starlark.Iterable, depth int) error {
	for item := range starlark.Elements(v) {
		if err := w.add(item, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// weigh returns what v and all that it holds take. It fails when that is more
// than limit, and when v is nested too deep.
func weigh(v starlark.Value, limit int64) (int64, error) {
	w := weigher{limit: limit}
	err := w.add(v, 0)
	return w.bytes, err
}

// chargeDeep takes the price of v and all that it holds, times n.
func chargeDeep(thread *starlark.Thread, v starlark.Value, n int64) error {
	b, ok := thread.Local(budgetKey).(*budget)
	if !ok {
		return errTooLarge
	}
	bytes, err := weigh(v, b.left)
	if err != nil {
		return err
	}
	if n > 1 && bytes > b.left/n {
		return errTooLarge
	}
	return charge(thread, bytes*max(n, 1))
}

// guards are the functions that guard.go puts into scripts.
func guards() starlark.StringDict {
	all := starlark.StringDict{}
	for name, fn := range map[string]builtin{
		guardPlus: plus, guardTimes: multiply, guardPercent: percent, guardAdd: addTo,
		guardSet: setItem, guardCall: callMethod, guardCopy: copied, guardMade: copied, guardItem: item,
	} {
		all[name] = starlark.NewBuiltin(name, fn)
	}
	return all
}

type builtin = func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error)

// plus is x + y and its like: args are x, y and the operator.
func plus(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	op, x, y := operator(args[2]), args[0], args[1]
	if !isSmall(x) || !isSmall(y) {
		if err := charge(thread, size(x)+size(y)+64); err != nil {
			return nil, err
		}
	}
	return binary(op, x, y)
}

// binary is x op y, for an operator with or without its equals sign.
func binary(op syntax.Token, x, y starlark.Value) (starlark.Value, error) {
	switch op {
	case syntax.MINUS_EQ:
		op = syntax.MINUS
	case syntax.PLUS_EQ:
		op = syntax.PLUS
	case syntax.PIPE_EQ:
		op = syntax.PIPE
	case syntax.LTLT_EQ:
		op = syntax.LTLT
	case syntax.AMP_EQ:
		op = syntax.AMP
	case syntax.CIRCUMFLEX_EQ:
		op = syntax.CIRCUMFLEX
	}
	return starlark.Binary(op, x, y)
}

func operator(v starlark.Value) syntax.Token {
	n, _ := starlark.AsInt32(v)
	return syntax.Token(n)
}

func isSmall(v starlark.Value) bool {
	switch v := v.(type) {
	case starlark.Int:
		_, small := v.Int64()
		return small
	case starlark.Float, starlark.Bool, starlark.NoneType:
		return true
	}
	return false
}

func multiply(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	x, y := args[0], args[1]
	if !isSmall(x) || !isSmall(y) {
		if err := chargeTimes(thread, x, y); err != nil {
			return nil, err
		}
	}
	return starlark.Binary(syntax.STAR, x, y)
}

func chargeTimes(thread *starlark.Thread, x, y starlark.Value) error {
	n, isInt := x.(starlark.Int)
	sequence := y
	if !isInt {
		n, isInt = y.(starlark.Int)
		sequence = x
	}
	_, bothInt := sequence.(starlark.Int)
	if !isInt || bothInt {
		if size(x)+size(y) > maxInt {
			return errTooLarge
		}
		return charge(thread, size(x)+size(y))
	}
	count, ok := n.Int64()
	if !ok {
		return errTooLarge
	}
	if count <= 0 {
		return nil
	}
	if each := size(sequence); count > (1<<40)/each {
		return errTooLarge
	}
	return charge(thread, count*size(sequence))
}

func percent(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	if format, ok := args[0].(starlark.String); ok {
		if err := errors.Join(charge(thread, size(format)), chargeDeep(thread, args[1], 1)); err != nil {
			return nil, err
		}
	}
	return starlark.Binary(syntax.PERCENT, args[0], args[1])
}

// addTo is x += y, which changes a list in place.
func addTo(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	return inPlace(thread, args[0], args[1])
}

func inPlace(thread *starlark.Thread, x, y starlark.Value) (starlark.Value, error) {
	list, isList := x.(*starlark.List)
	more, isIterable := y.(starlark.Iterable)
	if !isList || !isIterable {
		if !isSmall(x) || !isSmall(y) {
			if err := charge(thread, size(x)+size(y)); err != nil {
				return nil, err
			}
		}
		return starlark.Binary(syntax.PLUS, x, y)
	}
	if err := charge(thread, 2*size(y)); err != nil {
		return nil, err
	}
	return list, extend(list, more)
}

func extend(list *starlark.List, more starlark.Iterable) error {
	var items []starlark.Value
	for item := range starlark.Elements(more) {
		items = append(items, item)
	}
	for _, item := range items {
		if err := list.Append(item); err != nil {
			return err
		}
	}
	return nil
}

// setItem is x[i] op= y: args are x, i, y and the operator.
func setItem(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	x, at, y, op := args[0], args[1], args[2], operator(args[3])
	old, err := getIndex(x, at)
	if err != nil {
		return nil, err
	}
	var next starlark.Value
	switch guardFor(op) {
	case guardTimes:
		next, err = multiply(thread, nil, starlark.Tuple{old, y}, nil)
	case guardPercent:
		next, err = percent(thread, nil, starlark.Tuple{old, y}, nil)
	default:
		if op == syntax.PLUS_EQ {
			next, err = inPlace(thread, old, y)
		} else {
			next, err = plus(thread, nil, starlark.Tuple{old, y, args[3]}, nil)
		}
	}
	if err != nil {
		return nil, err
	}
	return starlark.None, setIndex(x, at, next)
}

func getIndex(x, at starlark.Value) (starlark.Value, error) {
	switch x := x.(type) {
	case starlark.Mapping:
		v, found, err := x.Get(at)
		if err == nil && !found {
			err = fmt.Errorf("key %v not in %s", at, x.Type())
		}
		return v, err
	case starlark.Indexable:
		i, err := index(x, at)
		if err != nil {
			return nil, err
		}
		return x.Index(i), nil
	}
	return nil, fmt.Errorf("%s value has no items to change", x.Type())
}

// index reads a place in x, where -1 is the last one.
func index(x starlark.Indexable, at starlark.Value) (int, error) {
	i, err := starlark.AsInt32(at)
	if err != nil {
		return 0, fmt.Errorf("%s index: %w", x.Type(), err)
	}
	if i < 0 {
		i += x.Len()
	}
	if i < 0 || i >= x.Len() {
		return 0, fmt.Errorf("%s index %v is out of range: it has %d items", x.Type(), at, x.Len())
	}
	return i, nil
}

func setIndex(x, at, v starlark.Value) error {
	switch x := x.(type) {
	case starlark.HasSetKey:
		return x.SetKey(at, v)
	case starlark.HasSetIndex:
		i, err := index(x, at)
		if err != nil {
			return err
		}
		return x.SetIndex(i, v)
	}
	return fmt.Errorf("the items of %s cannot be changed", x.Type())
}

// copied lets a value pass that is new, or is about to be copied.
func copied(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	return args[0], charge(thread, size(args[0]))
}

func item(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	return args[0], charge(thread, 64)
}

// callMethod calls its first argument, if it is a method after taking the price.
func callMethod(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if method, ok := args[0].(*starlark.Builtin); ok && method.Receiver() != nil {
		if err := chargeMethod(thread, method, args[1:], kwargs); err != nil {
			return nil, err
		}
	}
	return starlark.Call(thread, args[0], args[1:], kwargs)
}

func chargeMethod(thread *starlark.Thread, method *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) error {
	receiver := method.Receiver()
	switch method.Name() {
	case "append", "insert", "add", "setdefault", "get", "pop", "index", "find", "count",
		"startswith", "endswith", "remove", "discard", "clear", "popitem":
		return charge(thread, 64)
	case "join":
		if len(args) == 1 {
			return errors.Join(chargeDeep(thread, args[0], 1), chargeTimesLen(thread, receiver, args[0]))
		}
	case "replace":
		if len(args) >= 2 {
			return chargeReplace(thread, receiver, args)
		}
	case "format":
		fields := int64(strings.Count(receiver.String(), "{"))
		for _, pair := range kwargs {
			args = append(args[:len(args):len(args)], pair[1])
		}
		return errors.Join(charge(thread, size(receiver)), chargeDeep(thread, args, fields))
	}
	total := int64(64)
	if name := method.Name(); name != "extend" && name != "update" {
		total += 4 * size(receiver)
	}
	if _, isString := receiver.(starlark.String); isString {
		total *= 4 // split makes a value of each letter, at worst
	}
	for _, arg := range args {
		total += 4 * size(arg)
	}
	return charge(thread, total)
}

// chargeTimesLen takes the price of putting separator between all items.
func chargeTimesLen(thread *starlark.Thread, separator, items starlark.Value) error {
	n := int64(max(0, starlark.Len(items)))
	if n > (1<<40)/size(separator) {
		return errTooLarge
	}
	return charge(thread, n*size(separator))
}

func chargeReplace(thread *starlark.Thread, receiver starlark.Value, args starlark.Tuple) error {
	s, _ := starlark.AsString(receiver)
	old, _ := starlark.AsString(args[0])
	with, _ := starlark.AsString(args[1])
	times := int64(len(s)/max(1, len(old)) + 1)
	if int64(len(with)) > (1<<40)/times {
		return errTooLarge
	}
	return charge(thread, int64(len(s))+times*int64(len(with)))
}
