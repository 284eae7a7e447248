package scenarios

import (
	"fmt"
	"strings"
)

// maxSuggest is the longest word for which a similar one is looked for: no word
// of ours comes near it, and the search costs its square.
const maxSuggest = 64

// suggestion is the hint for a word that is none of known: the one most like
// it, or else all of them.
func suggestion(word string, known []string) string {
	if near := nearest(word, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if len(known) == 0 {
		return ""
	}
	return "it can be " + orList(known)
}

// nearest is the known word that word was probably meant to be; empty if none
// is like it.
func nearest(word string, known []string) string {
	if len(word) > maxSuggest {
		return ""
	}
	best, bestAt := "", 1+max(1, len(word)/3)
	for _, k := range known {
		if d := distance(plain(word), plain(k)); d < bestAt {
			best, bestAt = k, d
		}
	}
	return best
}

// plain takes away what people mix up: case, and the dash for the underscore.
func plain(s string) string {
	return strings.NewReplacer("_", "-", " ", "-").Replace(strings.ToLower(s))
}

// distance is how many characters must be inserted, left out, replaced or
// swapped with their neighbour to make b out of a, each place used once.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	rows := make([][]int, len(s)+1)
	for i := range rows {
		rows[i] = make([]int, len(t)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(s); i++ {
		for j := 1; j <= len(t); j++ {
			change := rows[i-1][j-1]
			if s[i-1] != t[j-1] {
				change++
			}
			rows[i][j] = min(change, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(s)][len(t)]
}

// orList is "a", "a or b", "a, b or c".
func orList(words []string) string {
	return list(words, "or")
}

// andList is "a", "a and b", "a, b and c".
func andList(words []string) string {
	return list(words, "and")
}

func list(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	n := len(words) - 1
	return strings.Join(words[:n], ", ") + " " + last + " " + words[n]
}
