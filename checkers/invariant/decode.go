package invariant

import (
	"bytes"
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"go.starlark.net/starlark"
)

// decode makes a Starlark value of JSON: null is None, an object a dict with
// its members in alphabetical order. Nothing is None. Text that is not JSON
// stands for itself, as a string. The value is frozen.
func decode(value json.RawMessage) starlark.Value {
	if len(value) == 0 {
		return starlark.None
	}
	if v, ok := decodeFast(value); ok {
		return v
	}
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return starlark.String(value)
	}
	decoded := fromGo(v)
	decoded.Freeze()
	return decoded
}

// decodeFast reads what most values are: small integers, plain strings, null.
func decodeFast(value []byte) (starlark.Value, bool) {
	switch c := value[0]; {
	case c == 'n':
		return starlark.None, string(value) == "null"
	case c == '"':
		end := len(value) - 1
		if end < 1 || value[end] != '"' {
			return nil, false
		}
		for _, c := range value[1:end] {
			if c == '\\' || c == '"' || c < ' ' || c >= 0x80 {
				return nil, false
			}
		}
		return starlark.String(value[1:end]), true
	case c >= '0' && c <= '9' && len(value) < 19:
		n := 0
		for _, c := range value {
			if c < '0' || c > '9' {
				return nil, false
			}
			n = 10*n + int(c-'0')
		}
		return starlark.MakeInt(n), true
	}
	return nil, false
}

func fromGo(v any) starlark.Value {
	switch v := v.(type) {
	case bool:
		return starlark.Bool(v)
	case string:
		return starlark.String(v)
	case json.Number:
		return fromNumber(v.String())
	case []any:
		items := make([]starlark.Value, len(v))
		for i := range v {
			items[i] = fromGo(v[i])
		}
		return starlark.NewList(items)
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		dict := starlark.NewDict(len(v))
		for _, name := range names {
			_ = dict.SetKey(starlark.String(name), fromGo(v[name])) // a string can be hashed, and the dict is new
		}
		return dict
	}
	return starlark.None
}

// maxDigits bounds what is read as an integer, because that takes time that
// grows with the square of it.
const maxDigits = 1000

func fromNumber(text string) starlark.Value {
	if !strings.ContainsAny(text, ".eE") && len(text) <= maxDigits {
		if n, ok := new(big.Int).SetString(text, 10); ok {
			return starlark.MakeBigInt(n)
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return starlark.String(text)
	}
	return starlark.Float(f)
}
