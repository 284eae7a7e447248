package report

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/shakedown-dev/shakedown/history"
)

// deed is an operation in a few words: "write r1 = 17", "read r1 → 17".
func deed(o history.Operation) string {
	what := named(o)
	value := o.Value()
	switch {
	case o.Invoke.F == "read" && o.Type() == history.OK:
		return what + " → " + shownValue(value)
	case o.Invoke.F == "read":
		return what
	case o.Invoke.F == "write":
		return what + " = " + shownValue(value)
	case o.Invoke.F == "cas":
		var pair []json.RawMessage
		if json.Unmarshal(value, &pair) == nil && len(pair) == 2 {
			return fmt.Sprintf("%s %s → %s", what, shownValue(pair[0]), shownValue(pair[1]))
		}
	case o.Invoke.F == "txn" || o.Invoke.F == "":
		if micro, ok := microDeeds(value, o.Type() == history.OK); ok {
			return micro
		}
	}
	if len(value) == 0 {
		return what
	}
	return what + " " + shownValue(value)
}

// asked is what a client asked for, without what came of it.
func asked(o history.Operation) string {
	return deed(history.Operation{Invoke: o.Invoke})
}

// named is the operation with its key.
func named(o history.Operation) string {
	what := clip(o.Invoke.F, maxName)
	if o.Invoke.Key != "" {
		what += " " + clip(o.Invoke.Key, 60)
	}
	return what
}

// maxMicro is how many parts of a transaction are shown.
const maxMicro = 8

// microDeeds tells a transaction part by part: "append x 1 · read y → [2]".
// What was read is known only if the transaction is ok.
func microDeeds(value json.RawMessage, known bool) (string, bool) {
	var parts [][]json.RawMessage
	if json.Unmarshal(value, &parts) != nil || len(parts) == 0 {
		return "", false
	}
	var out []string
	for i, p := range parts {
		var f string
		if len(p) != 3 || json.Unmarshal(p[0], &f) != nil {
			return "", false
		}
		if i == maxMicro {
			return strings.Join(out, " · ") + fmt.Sprintf(" · and %d more", len(parts)-i), true
		}
		out = append(out, microDeed(f, unquoted(p[1]), p[2], known))
	}
	return strings.Join(out, " · "), true
}

func microDeed(f, key string, value json.RawMessage, known bool) string {
	switch f {
	case "r":
		if !known {
			return "read " + key
		}
		return "read " + key + " → " + shownValue(value)
	case "w":
		return "write " + key + " = " + shownValue(value)
	}
	return printable(clip(f, 40)) + " " + key + " " + shownValue(value)
}

// unquoted is a value that is a name, without its quotes.
func unquoted(v json.RawMessage) string {
	var s string
	if json.Unmarshal(v, &s) != nil {
		s = string(v)
	}
	return printable(clip(s, 60))
}

func shownValue(v json.RawMessage) string {
	if len(v) == 0 {
		return "null"
	}
	return printable(clip(string(v), maxName/2))
}
