package catalog

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// A request is a spec whose options are being read. It keeps the first error.
type request struct {
	Spec
	err error
}

// all returns every value of an option.
func (r *request) all(name string) []string { return r.Options[name] }

// text returns the only value of an option, "" if it was not given.
func (r *request) text(name string) string {
	switch values := r.Options[name]; len(values) {
	case 0:
		return ""
	case 1:
		return values[0]
	}
	r.fail(name, "is given %d times; one is enough", len(r.Options[name]))
	return ""
}

func (r *request) fail(name, format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("option "+name+" "+format, args...)
	}
}

// option reads the value of an option, the zero value if it was not given.
func option[T any](r *request, name, like string, parse func(string) (T, error)) (value T) {
	text := r.text(name)
	if text == "" {
		return value
	}
	value, err := parse(text)
	if err != nil {
		r.fail(name, "is %q, which is not like %s", text, like)
	}
	return value
}

func (r *request) flag(name string) bool {
	return option(r, name, "true or false", strconv.ParseBool)
}

func (r *request) duration(name string) time.Duration {
	return option(r, name, "15s", func(s string) (time.Duration, error) {
		d, err := time.ParseDuration(s)
		if err == nil && d < 0 {
			err = strconv.ErrRange
		}
		return d, err
	})
}

func (r *request) integer(name string) int {
	return option(r, name, "100", strconv.Atoi)
}

// share reads a number from 0 to 1.
func (r *request) share(name string) float64 {
	return option(r, name, "0.99", func(s string) (float64, error) {
		f, err := strconv.ParseFloat(s, 64)
		if err == nil && !(f >= 0 && f <= 1) {
			err = strconv.ErrRange
		}
		return f, err
	})
}

func (r *request) amounts(name string) map[string]int64 {
	return option(r, name, `{"a": 10, "b": 0}`, func(s string) (m map[string]int64, err error) {
		err = json.Unmarshal([]byte(s), &m)
		return m, err
	})
}
