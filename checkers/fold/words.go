package fold

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shakedown-dev/shakedown/history"
)

// shownValue is how many characters of a value a sentence quotes.
const shownValue = 60

// moment writes a time of the run: 22.318s.
func moment(at time.Duration) string {
	return fmt.Sprintf("%.3fs", at.Seconds())
}

// span writes how long something took, to three digits or so.
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

// few joins words, "n1, n2 and n3", and names at most n of them.
func few(words []string, n int) string {
	switch {
	case len(words) > n:
		return fmt.Sprintf("%s and %d more", strings.Join(words[:n], ", "), len(words)-n)
	case len(words) < 2:
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// show quotes a value.
func show(value json.RawMessage) string {
	if len(value) == 0 {
		return "null"
	}
	return cut(string(value), shownValue)
}

// cut shortens s to at most n characters, and shows that it did.
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

// who names the process of an operation and the node that it talked to.
func who(o history.Operation) string {
	if o.Invoke.Node == "" {
		return fmt.Sprintf("process %d", o.Invoke.Process)
	}
	return fmt.Sprintf("process %d through %s", o.Invoke.Process, o.Invoke.Node)
}

// ended says when an operation ended and how, with its event: "acknowledged at
// 1.234s (#5)".
func ended(o history.Operation) string {
	switch {
	case o.Complete == nil:
		return fmt.Sprintf("never completed (#%d)", o.Invoke.Index)
	case o.Type() == history.OK:
		return fmt.Sprintf("acknowledged at %s (#%d)", moment(o.Complete.Time), o.Complete.Index)
	case o.Type() == history.Fail:
		return fmt.Sprintf("failed at %s (#%d)", moment(o.Complete.Time), o.Complete.Index)
	}
	return fmt.Sprintf("outcome unknown (#%d)", o.Complete.Index)
}

// began says when an operation was invoked: "begun at 1.234s (#4)".
func began(o history.Operation) string {
	return fmt.Sprintf("begun at %s (#%d)", moment(o.Start()), o.Invoke.Index)
}
