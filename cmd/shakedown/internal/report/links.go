package report

import (
	"regexp"
	"strconv"
)

// A piece is a stretch of a sentence; Event is the index of the event that it
// names, or -1.
type piece struct {
	Text  string
	Event int
}

var eventPattern = regexp.MustCompile(`#\d{1,9}\b`)

// pieces splits a sentence at the events that it names, "#812", so that the
// page can link them. What follows a letter is no event: "storm/split#1".
func pieces(sentence string) []piece {
	var out []piece
	from := 0
	for _, m := range eventPattern.FindAllStringIndex(sentence, -1) {
		if m[0] > 0 && wordly(sentence[m[0]-1]) {
			continue
		}
		n, err := strconv.Atoi(sentence[m[0]+1 : m[1]])
		if err != nil {
			continue
		}
		if m[0] > from {
			out = append(out, piece{sentence[from:m[0]], -1})
		}
		out = append(out, piece{sentence[m[0]:m[1]], n})
		from = m[1]
	}
	if from < len(sentence) || len(out) == 0 {
		out = append(out, piece{sentence[from:], -1})
	}
	return out
}

func wordly(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '&' || c == '/'
}
