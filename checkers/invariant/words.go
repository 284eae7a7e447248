package invariant

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/shakedown-dev/shakedown/checkers/say"
)

// sentence makes words a sentence.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return s
	}
	first, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + ending(s[n:])
}

// ending makes words the end of a sentence.
func ending(s string) string {
	if strings.HasSuffix(s, ".") || strings.HasSuffix(s, "!") || strings.HasSuffix(s, "?") {
		return s
	}
	return s + "."
}

// quoted joins names: "a", "b" or "c".
func quoted(names []string, last string) string {
	words := make([]string, len(names))
	for i, name := range names {
		words[i] = fmt.Sprintf("%q", name)
	}
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	end := len(words) - 1
	return strings.Join(words[:end], ", ") + " " + last + " " + words[end]
}

// suggest returns " (did you mean "x"?)" for the nearest of names that is near
// enough, and "" if there is none.
func suggest(name string, names []string) string {
	if near := say.Nearest(name, names); near != "" {
		return fmt.Sprintf(" (did you mean %q?)", near)
	}
	return ""
}
