// Package say puts times, numbers and lists into the words of the checkers'
// sentences, so that all of them speak alike.
package say

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Moment writes a time of the run, as a reader finds it in a report: 22.318s.
func Moment(at time.Duration) string {
	return fmt.Sprintf("%.3fs", at.Seconds())
}

// Span writes how long something took, to three digits or so: 416ms, 1.25s.
func Span(d time.Duration) string {
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

// Number writes n with its noun: "1 key", "160 keys".
func Number[T int | int64](n T, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Are and Have write n with its verb: "1 is", "2 are"; "1 has", "2 have".
func Are(n int) string {
	if n == 1 {
		return "1 is"
	}
	return fmt.Sprintf("%d are", n)
}

// Have is explained at [Are].
func Have(n int) string {
	if n == 1 {
		return "1 has"
	}
	return fmt.Sprintf("%d have", n)
}

// Enumerate joins words: "n1, n2 and n3".
func Enumerate(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " and " + list[last]
}

// Any joins words of which one is true: "n1, n2 or n3".
func Any(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " or " + list[last]
}

// Few is [Enumerate] for lists that may be long: at most n words are named.
func Few(list []string, n int) string {
	if len(list) <= n {
		return Enumerate(list)
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:n], ", "), len(list)-n)
}

// Cut shortens s to at most n characters, and shows that it did.
func Cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// Capital makes a sentence of words that may begin with a small letter.
func Capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
