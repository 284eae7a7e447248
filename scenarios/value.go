package scenarios

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"gopkg.in/yaml.v3"
)

// A value is a node of a document with its dotted path. Its reading methods
// return the zero value and false after they have reported what is wrong.
type value struct {
	d     *document
	node  *yaml.Node
	where string
}

func (v value) report(message, hint string) {
	v.d.at(v.node, v.where, message, hint)
}

func (v value) reportf(hint, format string, args ...any) {
	v.report(fmt.Sprintf(format, args...), hint)
}

// scalar is what is written, as it is written, quotes aside.
func (v value) scalar(what string) (string, bool) {
	switch {
	case v.node.Kind != yaml.ScalarNode:
		v.reportf("", "expected %s, got %s", what, kindOf(v.node))
		return "", false
	case v.node.Tag == "!!null":
		v.reportf("", "nothing is written here; expected %s", what)
		return "", false
	}
	return v.node.Value, true
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	if n.Tag == "!!null" {
		return "nothing"
	}
	return "a single value"
}

// text is any text that is not empty and that can be shown.
func (v value) text() (string, bool) {
	s, ok := v.scalar("text")
	if !ok {
		return "", false
	}
	if strings.TrimSpace(s) == "" {
		v.report("this is empty", "")
		return "", false
	}
	if i := strings.IndexFunc(s, isControl); i >= 0 {
		v.reportf("", "control character %q is not allowed here", []rune(s[i:])[0])
		return "", false
	}
	return s, true
}

func isControl(c rune) bool {
	return unicode.IsControl(c) && c != '\n' && c != '\t'
}

// maxName bounds names, which become parts of file and container names.
const maxName = 64

// name is lower-case letters, digits and dashes.
func (v value) name() (string, bool) {
	s, ok := v.text()
	if !ok {
		return "", false
	}
	const hint = "use lower-case letters, digits and dashes"
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || strings.Trim(s, "-") != s {
		v.reportf(hint+", as in "+nameFrom(s), "%q is not a name", s)
		return "", false
	}
	if len(s) > maxName {
		v.reportf(fmt.Sprintf("at most %d characters", maxName), "the name is too long")
		return "", false
	}
	return s, true
}

// nameFrom makes a name out of what was written in its place.
func nameFrom(s string) string {
	words := strings.FieldsFunc(strings.ToLower(s), func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9')
	})
	if len(words) == 0 || len(s) > maxName {
		return "leader-pause"
	}
	return strings.Join(words, "-")
}

// word is one of the known ones; kind says of what in the message.
func (v value) word(kind string, known []string) (string, bool) {
	s, ok := v.scalar(kind + ": " + orList(known))
	if !ok {
		return "", false
	}
	for _, k := range known {
		if s == k {
			return s, true
		}
	}
	v.reportf(suggestion(s, known), "unknown %s %q", kind, s)
	return "", false
}

// version is quoted, because YAML takes 3.10 for the number 3.1. In an
// override there are no quotes to be forgotten.
func (v value) version() (string, bool) {
	s, ok := v.text()
	if !ok {
		return "", false
	}
	quoted := v.node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
	if _, override := v.d.sets[v.node]; !quoted && !override {
		v.reportf(fmt.Sprintf("put it in quotes: %q", s), "the version %s is not quoted", s)
		return "", false
	}
	if strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789.-_") != "" {
		v.reportf(`write it as in "3.5.21"`, "%q is not a version", s)
		return "", false
	}
	return s, true
}

// integer is a whole number from min to max.
func (v value) integer(min, max int) (int, bool) {
	s, ok := v.scalar("a whole number")
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		v.reportf("", "%q is not a whole number", s)
		return 0, false
	}
	if v.node.Tag != "!!int" {
		v.reportf("write it without quotes", "%q is text, not a number", s)
		return 0, false
	}
	if n < min || n > max {
		v.reportf(fmt.Sprintf("from %d to %d", min, max), "%d is out of range", n)
		return 0, false
	}
	return n, true
}

// number is a number from 0 to max.
func (v value) number(max float64) (float64, bool) {
	s, ok := v.scalar("a number")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) || v.node.Tag != "!!int" && v.node.Tag != "!!float" {
		v.reportf("write it as in 0.5 or 2, without quotes", "%q is not a number", s)
		return 0, false
	}
	if n < 0 || n > max {
		v.reportf(fmt.Sprintf("from 0 to %v", max), "%s is out of range", s)
		return 0, false
	}
	return n, true
}

// truth is true or false.
func (v value) truth() (bool, bool) {
	s, ok := v.scalar("true or false")
	if !ok {
		return false, false
	}
	if v.node.Tag != "!!bool" {
		v.reportf("write true or false", "%q is neither true nor false", s)
		return false, false
	}
	return strings.EqualFold(s, "true"), true
}

// duration is a time with a unit, from min to max. A negative min is what
// allows negative ones.
func (v value) duration(min, max time.Duration) (time.Duration, bool) {
	s, ok := v.scalar("a duration, as in 10s or 1m30s")
	if !ok {
		return 0, false
	}
	d, wrong := parseDuration(s)
	switch {
	case wrong != nil:
		v.report(wrong.message, wrong.hint)
	case d < 0 && min >= 0:
		v.reportf("only the skew and the jump of a clock can go back", "%q is negative", s)
	case d < min:
		v.reportf("at least "+short(min), "%q is too short", s)
	case d > max:
		v.reportf("at most "+short(max), "%q is too long", s)
	default:
		return d, true
	}
	return 0, false
}

// short is a duration without the zero parts of its tail: 2m, not 2m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// measure reads a text with a unit by parse.
func measure[T any](v value, what string, parse func(string) (T, *problem)) (T, bool) {
	var zero T
	s, ok := v.scalar(what)
	if !ok {
		return zero, false
	}
	out, wrong := parse(s)
	if wrong != nil {
		v.report(wrong.message, wrong.hint)
		return zero, false
	}
	return out, true
}

// items are the elements of a list. what says in the message of what.
func (v value) items(what string) ([]value, bool) {
	if v.node.Kind != yaml.SequenceNode {
		v.reportf("", "expected a list of %s, got %s", what, kindOf(v.node))
		return nil, false
	}
	out := make([]value, len(v.node.Content))
	for i, n := range v.node.Content {
		out[i] = value{v.d, n, fmt.Sprintf("%s[%d]", v.where, i)}
	}
	return out, true
}

// texts is a list of texts.
func (v value) texts(what string) ([]string, bool) {
	items, ok := v.items(what)
	var out []string
	for _, item := range items {
		s, good := item.text()
		out, ok = append(out, s), ok && good
	}
	return out, ok
}
