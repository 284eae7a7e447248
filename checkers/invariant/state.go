package invariant

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.starlark.net/starlark"
)

// encode writes a value such that two values are written alike exactly if they
// are equal in Starlark: 1 as 1.0, a dict and a set in an order of our own. It
// fails for values that only are what they are, like functions, and for values
// that take more than limit.
func encode(v starlark.Value, limit int64) (string, error) {
	if _, err := weigh(v, limit); err != nil {
		return "", err
	}
	var b strings.Builder
	err := encodeTo(&b, v)
	return b.String(), err
}

func encodeTo(b *strings.Builder, v starlark.Value) error {
	switch v := v.(type) {
	case starlark.NoneType, starlark.Bool:
		b.WriteString(v.String())
	case starlark.Int:
		b.WriteString(v.String())
	case starlark.Float:
		encodeFloat(b, float64(v))
	case starlark.String:
		b.WriteString(strconv.Quote(string(v)))
	case starlark.Bytes:
		b.WriteString("b" + strconv.Quote(string(v)))
	case starlark.Tuple:
		return encodeAll(b, '(', v, ')')
	case *starlark.List:
		return encodeAll(b, '[', v, ']')
	case *starlark.Set:
		return encodeSorted(b, "set", v)
	case *starlark.Dict:
		return encodeDict(b, v)
	case *op:
		b.WriteString("#" + strconv.Itoa(v.did.Invoke.Index))
	default:
		return fmt.Errorf("it holds a %s; allowed are None, booleans, numbers, strings, operations, and lists, tuples, dicts and sets of them", v.Type())
	}
	return nil
}

func encodeFloat(b *strings.Builder, f float64) {
	if f == math.Trunc(f) && math.Abs(f) < 1<<62 {
		b.WriteString(strconv.FormatInt(int64(f), 10))
		return
	}
	b.WriteString(strconv.FormatFloat(f, 'g', -1, 64))
}

func encodeAll(b *strings.Builder, left byte, items starlark.Iterable, right byte) error {
	b.WriteByte(left)
	for item := range starlark.Elements(items) {
		if err := encodeTo(b, item); err != nil {
			return err
		}
		b.WriteByte(',')
	}
	b.WriteByte(right)
	return nil
}

func encodeSorted(b *strings.Builder, name string, items starlark.Iterable) error {
	var texts []string
	for item := range starlark.Elements(items) {
		var each strings.Builder
		if err := encodeTo(&each, item); err != nil {
			return err
		}
		texts = append(texts, each.String())
	}
	slices.Sort(texts)
	b.WriteString(name + "{" + strings.Join(texts, ",") + "}")
	return nil
}

func encodeDict(b *strings.Builder, dict *starlark.Dict) error {
	texts := make([]string, 0, dict.Len())
	for _, item := range dict.Items() {
		var each strings.Builder
		if err := encodeTo(&each, item[0]); err != nil {
			return err
		}
		each.WriteByte(':')
		if err := encodeTo(&each, item[1]); err != nil {
			return err
		}
		texts = append(texts, each.String())
	}
	slices.Sort(texts)
	b.WriteString("{" + strings.Join(texts, ",") + "}")
	return nil
}
