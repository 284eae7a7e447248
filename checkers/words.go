package checkers

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// moment writes a time of the run, as a reader finds it in a report: 22.318s.
func moment(at time.Duration) string {
	return fmt.Sprintf("%.3fs", at.Seconds())
}

// span writes how long something took, to three digits or so: 416ms, 1.25s.
func span(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Microsecond).String()
}

// number writes n with its noun: "1 key", "160 keys".
func number[T int | int64](n T, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// are and have write n with its verb: "1 is", "2 are"; "1 has", "2 have".
func are(n int) string {
	if n == 1 {
		return "1 is"
	}
	return fmt.Sprintf("%d are", n)
}

func have(n int) string {
	if n == 1 {
		return "1 has"
	}
	return fmt.Sprintf("%d have", n)
}

// enumerate joins words: "n1, n2 and n3".
func enumerate(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// few is enumerate for lists that may be long: at most n words are named.
func few(words []string, n int) string {
	if len(words) <= n {
		return enumerate(words)
	}
	return fmt.Sprintf("%s and %d more", strings.Join(words[:n], ", "), len(words)-n)
}

// cut shortens s to at most n runes, and shows that it did.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// capital makes a sentence of words that may begin with a small letter.
func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
