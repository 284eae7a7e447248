package checkers

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
)

// null is the canonical form of a value that is absent.
const null = "null"

// Canonical returns the one way in which we write a JSON value, so that equal
// values are equal strings: no space, members of objects in order, and numbers
// without signs of how they were written (1.0 and 1e0 are 1). Nothing is null.
// Text that is not JSON stands for itself.
func Canonical(value json.RawMessage) string {
	if len(value) == 0 {
		return null
	}
	if isDecimal(value) {
		return string(value)
	}
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return string(value)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // a reader should find <1> as it was
	if err := encoder.Encode(plainNumbers(v)); err != nil {
		return string(value)
	}
	return string(bytes.TrimSpace(text.Bytes()))
}

// isDecimal reports whether value is an integer as everybody writes it; most
// values are.
func isDecimal(value []byte) bool {
	for _, c := range value {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// plainNumbers rewrites the numbers in a decoded value.
func plainNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		return plainNumber(v)
	case []any:
		for i := range v {
			v[i] = plainNumbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plainNumbers(v[k])
		}
	}
	return v
}

// plainNumber writes a number in the shortest way. A number with more digits
// than a float64 holds for sure stays as it was written: taking two different
// values for one could make a false alarm.
func plainNumber(n json.Number) json.Number {
	if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return json.Number(strconv.FormatInt(i, 10))
	}
	f, err := n.Float64()
	if err != nil || math.IsInf(f, 0) || digits(n.String()) > 15 {
		return n
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return json.Number(strconv.FormatInt(int64(f), 10))
	}
	return json.Number(strconv.FormatFloat(f, 'g', -1, 64))
}

// digits counts the digits of a number without its exponent.
func digits(number string) int {
	n := 0
	for _, c := range number {
		if c == 'e' || c == 'E' {
			break
		}
		if c >= '0' && c <= '9' {
			n++
		}
	}
	return n
}
