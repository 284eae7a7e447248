package object

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/linear"
)

// named is the first number of a value that is no small integer.
const named = 1 << 60

// A thing is the history of one object.
type thing struct {
	key  string
	acts []act
	// operations and unknown count all that were invoked.
	operations, unknown int
	// strange is why it cannot be judged; empty if it can.
	strange string
	// at tells when events happened, for leases.
	events []int64
	texts  []string
	ids    map[string]int
}

// number returns a number for a JSON value: an integer is itself, as long as
// it is no larger than 18 digits.
func (t *thing) number(value []byte) int {
	text := checkers.Canonical(value)
	if n, err := strconv.Atoi(text); err == nil && n < 1e18 && n > -1e18 {
		return n
	}
	return t.intern(text)
}

// name returns a number for a text, which is no small integer; 0 for null.
func (t *thing) name(text string) int {
	if text == null {
		return linear.Initial
	}
	return t.intern(text)
}

func (t *thing) intern(text string) int {
	id, ok := t.ids[text]
	if !ok {
		id = named + len(t.texts)
		if t.ids == nil {
			t.ids = make(map[string]int)
		}
		t.ids[text], t.texts = id, append(t.texts, text)
	}
	return id
}

// show returns the value with that number.
func (t *thing) show(n int) string {
	if n < named || n-named >= len(t.texts) {
		return strconv.Itoa(n)
	}
	return t.texts[n-named]
}

var names = regexp.MustCompile(`\b11529215046[0-9]{8}\b`)

// spell puts values back in place of their numbers.
func (t *thing) spell(says string) string {
	return names.ReplaceAllStringFunc(says, func(digits string) string {
		n, err := strconv.Atoi(digits)
		if err != nil {
			return digits
		}
		return t.show(n)
	})
}

func isNull(value []byte) bool { return len(value) == 0 || string(value) == "null" }

// integer reads a value that must be a whole number.
func integer(value []byte) (int, error) {
	n, err := strconv.Atoi(checkers.Canonical(value))
	if err != nil {
		return 0, fmt.Errorf("%.40s is no whole number", value)
	}
	return n, nil
}

// elements reads an array of values.
func (t *thing) elements(value []byte) ([]int, error) {
	if isNull(value) {
		return nil, nil
	}
	if all, plain := integers(value); plain {
		return all, nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(value, &list); err != nil {
		return nil, fmt.Errorf("%.40s is no array", value)
	}
	all := make([]int, len(list))
	for i, v := range list {
		all[i] = t.number(v)
	}
	return all, nil
}

// integers reads an array of nothing but small integers, which is ten times as
// fast as any array; false if it is something else.
func integers(value []byte) ([]int, bool) {
	inner, isArray := bytes.CutPrefix(value, []byte("["))
	inner, closed := bytes.CutSuffix(inner, []byte("]"))
	if !isArray || !closed || len(inner) == 0 {
		return nil, false
	}
	all := make([]int, 0, bytes.Count(inner, []byte(","))+1)
	for text := range bytes.SplitSeq(inner, []byte(",")) {
		n, err := strconv.Atoi(string(text))
		if err != nil || len(text) > 15 || text[0] == '+' || text[0] == '0' && len(text) > 1 || text[0] == '-' {
			return nil, false
		}
		all = append(all, n)
	}
	return all, true
}

// pair reads [a, b]; it is false for anything else.
func pair(value []byte) (a, b json.RawMessage, ok bool) {
	if len(value) == 0 || bytes.TrimLeft(value, " ")[0] != '[' {
		return nil, nil, false
	}
	var list []json.RawMessage
	if json.Unmarshal(value, &list) != nil || len(list) != 2 {
		return nil, nil, false
	}
	return list[0], list[1], true
}

// member reads the value of an object's member; a value that is no object is it.
func member(value []byte, name string) []byte {
	if len(value) == 0 || value[0] != '{' {
		return value
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(value, &all) != nil {
		return value
	}
	return all[name]
}
