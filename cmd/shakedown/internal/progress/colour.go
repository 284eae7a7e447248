package progress

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// The colours, as a terminal takes them. None carries a meaning that the words
// do not.
const (
	bold    = "1"
	dim     = "2"
	green   = "32"
	yellow  = "33"
	magenta = "35"
	blue    = "34"
)

const reset = "\x1b[0m"

func paint(word, code string, colour bool) string {
	if !colour || code == "" || word == "" {
		return word
	}
	return "\x1b[" + code + "m" + word + reset
}

// cells is how many cells of a terminal a character takes.
func cells(r rune) int {
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// lengthOf is how many cells a line takes, not counting colours.
func lengthOf(line string) int {
	n := 0
	eachCell(line, func(_, _, wide int) bool { n += wide; return true })
	return n
}

// fit cuts a line to so many cells, with a mark where something is missing.
func fit(line string, most int) string {
	if lengthOf(line) <= most {
		return line
	}
	used, end := 0, 0
	eachCell(line, func(_, to, wide int) bool {
		if used += wide; used > most-1 {
			return false
		}
		end = to
		return true
	})
	cut := line[:end]
	if most > 0 {
		cut += "…"
	}
	if strings.Contains(cut, "\x1b[") {
		cut += reset
	}
	return cut
}

// eachCell calls f for every character that is seen, with where it begins and
// ends and how many cells it takes, until f returns false. Colours are passed
// over.
func eachCell(line string, f func(from, to, wide int) bool) {
	colour := false
	for i, r := range line {
		switch {
		case r == '\x1b':
			colour = true
		case colour:
			colour = r != 'm'
		case !f(i, i+utf8.RuneLen(r), cells(r)):
			return
		}
	}
}
