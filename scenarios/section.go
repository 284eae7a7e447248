package scenarios

import (
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// A section is a mapping whose keys have been checked. Its methods read one
// field each into a place that keeps what it had when the field is absent or
// wrong.
type section struct {
	value
	fields map[string]value
}

// pair is a key of a mapping with its value; the key's where is the value's.
type pair struct{ key, value value }

// pairs are the pairs of a mapping, each key once, in the order of the file;
// nil and false if v is no mapping.
func (v value) pairs(what string) ([]pair, bool) {
	if v.node.Kind != yaml.MappingNode {
		v.reportf("", "expected %s, got %s", what, kindOf(v.node))
		return nil, false
	}
	var out []pair
	seen := map[string]int{}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		k := v.node.Content[i]
		key := value{v.d, k, v.child(k.Value)}
		if k.Kind != yaml.ScalarNode {
			key.where = v.where
			key.reportf("", "a key must be a word, not %s", kindOf(k))
			continue
		}
		if line, twice := seen[k.Value]; twice {
			key.reportf("keep one of them", "%q is already given in line %d", k.Value, line)
			continue
		}
		seen[k.Value] = k.Line
		out = append(out, pair{key, value{v.d, v.node.Content[i+1], key.where}})
	}
	return out, true
}

func (v value) child(key string) string {
	key = firstRunes(strings.Map(printable, key), maxName)
	if v.where == "" {
		return key
	}
	return v.where + "." + key
}

// section checks that v is a mapping with no other keys than known, and x-….
func (v value) section(known ...string) section {
	s := section{v, map[string]value{}}
	v.d.knows(v.where, known)
	pairs, _ := v.pairs("a mapping of " + andList(known))
	for _, p := range pairs {
		key := p.key.node.Value
		if strings.HasPrefix(key, "x-") {
			continue
		}
		if !contains(known, key) {
			p.key.reportf(fieldHint(key, known), "unknown field %q", key)
			continue
		}
		s.fields[key] = p.value
	}
	return s
}

// fieldHint is the hint for an unknown field: by a word that other tools use
// for it, or by likeness.
func fieldHint(key string, known []string) string {
	synonyms := map[string]string{
		"duration": "for", "interval": "every", "start": "at", "type": "use", "kind": "use",
		"threads": "clients", "concurrency": "clients", "replicas": "nodes", "environment": "env",
		"healthcheck": "ready", "cpu": "cpus", "mem": "memory", "steps": "phases", "stages": "phases",
		"nemesis": "phases", "checkers": "checks", "description": "about", "title": "name",
	}
	if meant := synonyms[key]; contains(known, meant) {
		return suggestion(meant, known)
	}
	if key == "seed" {
		return "the seed is an option of the command: --seed"
	}
	return suggestion(key, known)
}

func contains(words []string, word string) bool {
	for _, w := range words {
		if w == word {
			return true
		}
	}
	return false
}

// has says whether the field is there, right or wrong.
func (s section) has(key string) bool {
	_, ok := s.fields[key]
	return ok
}

// at is where to report about a field: the field, or the section without it.
func (s section) at(key string) value {
	if v, ok := s.fields[key]; ok {
		return v
	}
	return s.value
}

// need reports a field that must be there and is not.
func (s section) need(key, hint string) bool {
	if s.node.Kind == yaml.MappingNode && !s.has(key) {
		s.reportf(hint, "%q is missing", key)
	}
	return s.has(key)
}

// read reads a field by one of the methods of value.
func read[T any](s section, key string, into *T, how func(value) (T, bool)) {
	v, ok := s.fields[key]
	if !ok {
		return
	}
	if got, good := how(v); good {
		*into = got
	}
}

func (s section) text(key string, into *string)    { read(s, key, into, value.text) }
func (s section) name(key string, into *string)    { read(s, key, into, value.name) }
func (s section) truth(key string, into *bool)     { read(s, key, into, value.truth) }
func (s section) version(key string, into *string) { read(s, key, into, value.version) }

func (s section) word(key, kind string, into *string, known []string) {
	read(s, key, into, func(v value) (string, bool) { return v.word(kind, known) })
}

func (s section) integer(key string, into *int, min, max int) {
	read(s, key, into, func(v value) (int, bool) { return v.integer(min, max) })
}

func (s section) duration(key string, into *time.Duration, min, max time.Duration) {
	read(s, key, into, func(v value) (time.Duration, bool) { return v.duration(min, max) })
}

func (s section) share(key string, into *float64) {
	read(s, key, into, func(v value) (float64, bool) { return measure(v, "a share, as in 5%", parseShare) })
}

func (v value) isMapping() bool { return v.node.Kind == yaml.MappingNode }
func (v value) isList() bool    { return v.node.Kind == yaml.SequenceNode }
