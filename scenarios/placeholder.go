package scenarios

import (
	"slices"
	"strings"
)

// placeholders are the words in braces in s: "key" of "/v1/{key}". Braces
// around anything but lower-case letters and underscores are left alone, so
// that JSON can be written.
func placeholders(s string) []string {
	var out []string
	for {
		open := strings.IndexByte(s, '{')
		if open < 0 {
			return out
		}
		s = s[open+1:]
		end := strings.IndexFunc(s, func(c rune) bool { return (c < 'a' || c > 'z') && c != '_' })
		if end > 0 && s[end] == '}' {
			out = append(out, s[:end])
		}
	}
}

// template is text whose placeholders are all among known.
func (v value) template(known ...string) (string, bool) {
	s, ok := v.text()
	if !ok {
		return "", false
	}
	return s, v.onlyPlaceholders(s, known)
}

// onlyPlaceholders reports the placeholders of s that are not among known.
func (v value) onlyPlaceholders(s string, known []string) bool {
	ok := true
	for _, p := range placeholders(s) {
		if slices.Contains(known, p) {
			continue
		}
		ok = false
		hint := "nothing can be filled in here"
		if near := nearest(p, known); near != "" {
			hint = "did you mean {" + near + "}?"
		} else if len(known) > 0 {
			hint = "it can be {" + strings.Join(known, "}, {") + "}"
		}
		v.reportf(hint, "unknown placeholder {%s}", p)
	}
	return ok
}
