package redact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A treatment is what becomes of the texts below a member of a scenario.
type treatment func(v any) any

// treatments says for each name of a member that can hold somebody's secrets
// what becomes of it. Whatever has such a name is treated, wherever it stands,
// so that what is added to the language later is not forgotten.
func treatments() map[string]treatment {
	return map[string]treatment{
		"env":    environment,
		"header": blacken, "body": bodyless,
		"command": words, "run": options,
		"http": queryless, "url": queryless, "path": queryless,
		"hosts": blacken, "ssh": blacken, "control": blacken,
		"log": blacken, // a pattern of what nodes say
	}
}

// Settings replaces in a scenario, or in anything of a plan, what may hold
// secrets of those who wrote it: variables, headers, bodies, options of
// commands, parameters of addresses, and which hosts there are. v is a pointer
// to what can be written as JSON and read back.
func Settings(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("redact settings: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return fmt.Errorf("redact settings: %w", err)
	}
	if text, err = json.Marshal(treat(tree, treatments())); err != nil {
		return fmt.Errorf("redact settings: %w", err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("redact settings: %w", err)
	}
	return nil
}

// treat walks a tree of JSON.
func treat(v any, by map[string]treatment) any {
	switch v := v.(type) {
	case []any:
		for i, e := range v {
			v[i] = treat(e, by)
		}
	case map[string]any:
		for name, e := range v {
			if what, ok := by[name]; ok {
				v[name] = what(e)
			} else {
				v[name] = treat(e, by)
			}
		}
	}
	return v
}

// everyText does something to all texts below v.
func everyText(v any, do func(string) string) any {
	switch v := v.(type) {
	case string:
		return do(v)
	case []any:
		for i, e := range v {
			v[i] = everyText(e, do)
		}
	case map[string]any:
		for name, e := range v {
			v[name] = everyText(e, do)
		}
	}
	return v
}

// blacken leaves no text but what is empty.
func blacken(v any) any {
	return everyText(v, func(s string) string {
		if s == "" {
			return s
		}
		return Redacted
	})
}

// environment is [Environment] of what may be one.
func environment(v any) any {
	if all, ok := v.(map[string]any); ok {
		for name, value := range all {
			if !Harmless(name) {
				all[name] = blacken(value)
			}
		}
	}
	return v
}

// placeholders are bodies in which nothing stands but what the client puts in.
var placeholders = regexp.MustCompile(`^"?(\{[a-z_]+\})?"?$`)

func bodyless(v any) any {
	return everyText(v, func(s string) string {
		if placeholders.MatchString(s) {
			return s
		}
		return Redacted
	})
}

// parameter is one of an address, with a value that the client does not put in.
var parameter = regexp.MustCompile(`([?&][^=&]*=)[^&{}]+`)

// login is who asks, in an address.
var login = regexp.MustCompile(`//[^/@]*@`)

func queryless(v any) any {
	return everyText(v, func(s string) string {
		return login.ReplaceAllString(parameter.ReplaceAllString(s, "${1}"+Redacted), "//")
	})
}

// words is [Command] of what may be one.
func words(v any) any {
	if args, ok := texts(v); ok {
		return Command(args)
	}
	return v
}

// options is a command line that can still be run: only the values of options
// that sound like secrets are gone.
func options(v any) any {
	args, ok := texts(v)
	if !ok {
		return v
	}
	for i, short := range Command(args) {
		if strings.HasSuffix(short, Redacted) {
			args[i] = short
		}
	}
	return args
}

// texts are the texts of a list of nothing else.
func texts(v any) ([]string, bool) {
	list, ok := v.([]any)
	var out []string
	for _, e := range list {
		s, isText := e.(string)
		ok = ok && isText
		out = append(out, s)
	}
	return out, ok
}

// Reasons are why a run cannot be judged as a whole, without what somebody else
// said about it: what follows the first colon.
func Reasons(reasons []string) []string {
	out := slices.Clone(reasons)
	for i, r := range out {
		if begin, _, more := strings.Cut(r, ": "); more {
			out[i] = begin + " (what was said about it was redacted)."
		}
	}
	return out
}
