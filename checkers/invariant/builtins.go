package invariant

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/shakedown-dev/shakedown/checkers/say"
)

// A moment in the life of the cluster that a script names as a value.
type landmark string

const (
	lastHeal landmark = "last_heal"
	eachHeal landmark = "each_heal"
)

func (l landmark) String() string        { return string(l) }
func (l landmark) Type() string          { return "moment" }
func (l landmark) Freeze()               {}
func (l landmark) Truth() starlark.Bool  { return true }
func (l landmark) Hash() (uint32, error) { return starlark.String(l).Hash() }

// vocabulary is all that a script can name, without invariant and model.
// Left out of Starlark's own are getattr and dir, which would go past the
// guard, and nothing of ours knows the time of day or chance.
func vocabulary() starlark.StringDict {
	words := guards()
	for _, name := range []string{"list", "tuple", "set", "dict", "sorted", "reversed", "enumerate", "zip", "bytes"} {
		words[name] = charged(name, 4, starlark.Universe[name])
	}
	for _, name := range []string{"str", "repr"} {
		words[name] = chargedDeep(name, starlark.Universe[name])
	}
	words["range"] = starlark.NewBuiltin("range", boundedRange)
	words["fail"] = starlark.NewBuiltin("fail", failed)
	words["unknown"] = starlark.NewBuiltin("unknown", failed)
	words["seconds"] = starlark.NewBuiltin("seconds", inSeconds)
	words["sum"] = starlark.NewBuiltin("sum", sum)
	words[string(lastHeal)] = lastHeal
	words[string(eachHeal)] = eachHeal
	return words
}

// forbidden are the names that Starlark knows and we do not.
func forbidden(name string) bool { return name == "getattr" || name == "dir" }

// charged is fn with the price of a copy of its arguments.
func charged(name string, times int64, fn starlark.Value) starlark.Value {
	return starlark.NewBuiltin(name, func(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		for _, arg := range args {
			if err := charge(thread, times*size(arg)); err != nil {
				return nil, err
			}
		}
		return starlark.Call(thread, fn, args, kwargs)
	})
}

func chargedDeep(name string, fn starlark.Value) starlark.Value {
	return starlark.NewBuiltin(name, func(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		if err := chargeDeep(thread, args, 1); err != nil {
			return nil, err
		}
		return starlark.Call(thread, fn, args, kwargs)
	})
}

func boundedRange(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	v, err := starlark.Call(thread, starlark.Universe["range"], args, kwargs)
	if err == nil && starlark.Len(v) > maxRange {
		return nil, fmt.Errorf("range of %d items: at most %d are allowed", starlark.Len(v), maxRange)
	}
	return v, err
}

// failed is fail("…", op, …) and unknown("…"): it ends the call with a finding.
func failed(thread *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(kwargs) > 0 {
		return nil, errors.New("it takes words and operations, and nothing by name")
	}
	if err := chargeDeep(thread, args, 1); err != nil {
		return nil, err
	}
	found := &broke{unsure: fn.Name() == "unknown", at: thread.CallFrame(1).Pos}
	var words []string
	for _, arg := range args {
		switch arg := arg.(type) {
		case *op:
			found.shown = append(found.shown, arg)
		case starlark.String:
			words = append(words, string(arg))
		default:
			words = append(words, arg.String())
		}
	}
	found.says = say.Cut(strings.Join(words, " "), 2000)
	return nil, found
}

// inSeconds is seconds("1m30s"): 90.0.
func inSeconds(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var text string
	if err := starlark.UnpackPositionalArgs(fn.Name(), args, kwargs, 1, &text); err != nil {
		return nil, err
	}
	d, err := duration(text)
	if err != nil {
		return nil, err
	}
	return seconds(d), nil
}

func duration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no duration; write for example \"15s\" or \"1m30s\"", text)
	}
	return d, nil
}

// sum adds up numbers.
func sum(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var items starlark.Iterable
	if err := starlark.UnpackPositionalArgs(fn.Name(), args, kwargs, 1, &items); err != nil {
		return nil, err
	}
	var total starlark.Value = starlark.MakeInt(0)
	for item := range starlark.Elements(items) {
		switch item.(type) {
		case starlark.Int, starlark.Float:
		default:
			return nil, fmt.Errorf("sum: it adds up numbers, not %s", item.Type())
		}
		next, err := starlark.Binary(syntax.PLUS, total, item)
		if err != nil {
			return nil, err
		}
		total = next
	}
	return total, nil
}
