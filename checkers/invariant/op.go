package invariant

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// An op is what a script sees as an operation: what a client asked and how
// that ended. Its attributes are made when they are asked for.
type op struct {
	did history.Operation
	// value is decoded when it is first asked for. Checks that run side by side
	// each have operations of their own.
	value starlark.Value
	// clients is how many clients the run has, 0 if it did not say.
	clients int
}

var _ interface {
	starlark.HasAttrs
	starlark.Comparable
} = (*op)(nil)

// last is the operation's last event so far.
func (o *op) last() *history.Op {
	if o.did.Complete != nil {
		return o.did.Complete
	}
	return o.did.Invoke
}

// moment is when the operation was answered, or asked if it never was.
func (o *op) moment() time.Duration { return o.last().Time }

// client is who asked. When an operation's outcome is unknown, its client goes on
// as another process.
func (o *op) client() int {
	if o.clients > 0 {
		return o.did.Invoke.Process % o.clients
	}
	return o.did.Invoke.Process
}

// events are the indexes of its events.
func (o *op) events() []int {
	if o.did.Complete == nil {
		return []int{o.did.Invoke.Index}
	}
	return []int{o.did.Invoke.Index, o.did.Complete.Index}
}

// Attr returns what a script asks for as op.name.
func (o *op) Attr(name string) (starlark.Value, error) {
	switch name {
	case "f":
		return starlark.String(o.did.Invoke.F), nil
	case "value":
		if o.value == nil {
			o.value = o.decodeValue()
		}
		return o.value, nil
	case "ok":
		return starlark.Bool(o.did.Type() == history.OK), nil
	case "fail":
		return starlark.Bool(o.did.Type() == history.Fail), nil
	case "info":
		return starlark.Bool(o.did.Type() == history.Info), nil
	case "key":
		return starlark.String(o.did.Invoke.Key), nil
	case "node":
		return starlark.String(o.did.Invoke.Node), nil
	case "process":
		return starlark.MakeInt(o.did.Invoke.Process), nil
	case "index":
		return starlark.MakeInt(o.did.Invoke.Index), nil
	}
	return o.rareAttr(name)
}

// decodeValue is what was answered, or asked. An answer that did not come has no
// value, even where a client wrote one down.
func (o *op) decodeValue() starlark.Value {
	if o.did.Type() == history.Info {
		return decode(o.did.Invoke.Value)
	}
	return decode(o.did.Value())
}

func (o *op) rareAttr(name string) (starlark.Value, error) {
	switch name {
	case "type":
		return starlark.String(o.did.Type().String()), nil
	case "input":
		return decode(o.did.Invoke.Value), nil
	case "output":
		if o.did.Complete == nil || o.did.Complete.Type == history.Info {
			return starlark.None, nil
		}
		return decode(o.did.Complete.Value), nil
	case "start":
		return seconds(o.did.Invoke.Time), nil
	case "end":
		if o.did.Type() == history.Info {
			return starlark.None, nil
		}
		return seconds(o.did.Complete.Time), nil
	case "time":
		return seconds(o.moment()), nil
	case "took":
		return seconds(o.moment() - o.did.Invoke.Time), nil
	case "final":
		return starlark.Bool(o.did.Invoke.Final), nil
	case "client":
		return starlark.MakeInt(o.client()), nil
	case "error":
		return starlark.String(o.last().Error), nil
	}
	return nil, nil
}

// AttrNames returns the names that Attr knows.
func (o *op) AttrNames() []string {
	return []string{"client", "end", "error", "f", "fail", "final", "index", "info", "input", "key", "node",
		"ok", "output", "process", "start", "time", "took", "type", "value"}
}

func seconds(d time.Duration) starlark.Value { return starlark.Float(d.Seconds()) }

// String returns the operation in a few words, as print shows it.
func (o *op) String() string {
	return fmt.Sprintf("<%s>", o.describe())
}

// Type returns what type(op) is in a script.
func (o *op) Type() string { return "operation" }

// Freeze does nothing: an operation never changes.
func (o *op) Freeze() {}

// Truth returns True, as for every object.
func (o *op) Truth() starlark.Bool { return true }

// Hash makes operations fit to be keys of a dict and members of a set.
func (o *op) Hash() (uint32, error) { return uint32(o.did.Invoke.Index), nil }

// CompareSameType compares operations by their place in the history.
func (o *op) CompareSameType(operator syntax.Token, y starlark.Value, _ int) (bool, error) {
	order := cmp.Compare(o.did.Invoke.Index, y.(*op).did.Invoke.Index)
	switch operator {
	case syntax.EQL:
		return order == 0, nil
	case syntax.NEQ:
		return order != 0, nil
	case syntax.LT:
		return order < 0, nil
	case syntax.LE:
		return order <= 0, nil
	case syntax.GT:
		return order > 0, nil
	case syntax.GE:
		return order >= 0, nil
	}
	return false, fmt.Errorf("operations cannot be compared with %s", operator)
}

// describe says what was asked, of whom, and how it ended.
func (o *op) describe() string {
	return o.asked() + ", " + o.outcome()
}

func (o *op) asked() string {
	var b strings.Builder
	b.WriteString(o.did.Invoke.F)
	if o.did.Invoke.Key != "" {
		b.WriteString(" of " + say.Cut(o.did.Invoke.Key, 40))
	}
	if len(o.did.Invoke.Value) > 0 && string(o.did.Invoke.Value) != "null" {
		b.WriteString(" " + say.Cut(string(o.did.Invoke.Value), 80))
	}
	fmt.Fprintf(&b, " by process %d", o.did.Invoke.Process)
	if o.did.Invoke.Node != "" {
		b.WriteString(" on " + o.did.Invoke.Node)
	}
	fmt.Fprintf(&b, ", asked at %s (event %d)", say.Moment(o.did.Invoke.Time), o.did.Invoke.Index)
	return b.String()
}

func (o *op) outcome() string {
	if o.did.Complete == nil {
		return "never answered"
	}
	how := map[history.Type]string{history.OK: "ok", history.Fail: "failed", history.Info: "outcome unknown"}[o.did.Complete.Type]
	if len(o.did.Complete.Value) > 0 && o.did.Complete.Type == history.OK {
		how += " with " + say.Cut(string(o.did.Complete.Value), 80)
	}
	how += fmt.Sprintf(" at %s (event %d)", say.Moment(o.did.Complete.Time), o.did.Complete.Index)
	if o.did.Complete.Error != "" {
		how += fmt.Sprintf(", %q", say.Cut(o.did.Complete.Error, 80))
	}
	return how
}
