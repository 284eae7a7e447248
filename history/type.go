package history

import "fmt"

// String returns "invoke", "ok", "fail" or "info", the word used in JSON.
func (t Type) String() string {
	switch t {
	case Invoke:
		return "invoke"
	case OK:
		return "ok"
	case Fail:
		return "fail"
	case Info:
		return "info"
	}
	return fmt.Sprintf("Type(%d)", uint8(t))
}

// MarshalText returns the word used in JSON, and an error for a number that is
// none of the four types.
func (t Type) MarshalText() ([]byte, error) {
	if t > Info {
		return nil, fmt.Errorf("type %d is none of invoke, ok, fail, info", uint8(t))
	}
	return []byte(t.String()), nil
}

// UnmarshalText accepts exactly the four words of [Type.String].
func (t *Type) UnmarshalText(text []byte) error {
	parsed, ok := parseType(text)
	if !ok {
		return fmt.Errorf("type %q is none of invoke, ok, fail, info", text)
	}
	*t = parsed
	return nil
}

func parseType(text []byte) (Type, bool) {
	switch string(text) {
	case "invoke":
		return Invoke, true
	case "ok":
		return OK, true
	case "fail":
		return Fail, true
	case "info":
		return Info, true
	}
	return 0, false
}
