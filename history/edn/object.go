package edn

import (
	"fmt"
	"slices"
)

// object appends a map as an object. space is put before keywords and symbols
// that have no namespace of their own; empty for a plain map.
//
// A key that is a keyword, a string or a symbol gives its name, any other its
// JSON text, which for a number is its EDN text too. Two keys that would have
// the same name are an error, for who reads the object would see only one.
func (s *scanner) object(dst []byte, space string, depth int) ([]byte, error) {
	s.at++
	from := s.line
	var names []string
	var kinds [2]bool // of keys: names as they are, names made of other values
	dst = append(dst, '{')
	for first := true; ; first = false {
		c, err := s.next(depth)
		if err != nil {
			return dst, fmt.Errorf("no '}' closes what line %d opens: %w", from, unexpected(err))
		}
		if c == '}' {
			s.at++
			return append(dst, '}'), clash(names, kinds)
		}
		if !first {
			dst = append(dst, ',')
		}
		start := len(dst)
		if dst, err = s.key(dst, c, space, depth); err != nil {
			return dst, err
		}
		kinds[kindOf(c)] = true
		names = append(names, string(dst[start:]))
		dst = append(dst, ':')
		if dst, err = s.member(dst, depth); err != nil {
			return dst, err
		}
	}
}

// kindOf tells keys whose names cannot clash with each other, because EDN
// forbids equal keys, apart from the others.
func kindOf(c byte) int {
	if c == '-' || isDigit(c) {
		return 0
	}
	return 1
}

// clash returns an error if two names are the same. Maps with numbers alone
// as keys, the large ones, need no search.
func clash(names []string, kinds [2]bool) error {
	if !kinds[1] || len(names) < 2 {
		return nil
	}
	slices.Sort(names)
	for i := 1; i < len(names); i++ {
		if names[i-1] == names[i] {
			return fmt.Errorf("two keys of a map are both %s", names[i])
		}
	}
	return nil
}

// key appends a key, which begins with c, as a JSON string.
func (s *scanner) key(dst []byte, c byte, space string, depth int) ([]byte, error) {
	start := len(dst)
	dst, err := s.form(dst, c, depth+1)
	if err != nil {
		return dst, err
	}
	if dst[start] != '"' {
		name := slices.Clone(dst[start:])
		return appendJSON(dst[:start], name), nil
	}
	if space != "" && c == ':' && !slices.Contains(dst[start:], '/') {
		name := slices.Clone(dst[start+1:])
		dst = append(append(dst[:start+1], space...), '/')
		dst = append(dst, name...)
	}
	return dst, nil
}

// member appends the value that belongs to a key.
func (s *scanner) member(dst []byte, depth int) ([]byte, error) {
	c, err := s.next(depth)
	if err == nil && c == '}' {
		err = fmt.Errorf("a map with a key that has no value")
	}
	if err != nil {
		return dst, unexpected(err)
	}
	return s.form(dst, c, depth+1)
}

// namespaced appends a map of the form #:space{…}.
func (s *scanner) namespaced(dst []byte, depth int) ([]byte, error) {
	space := string(s.token()[2:])
	if len(space) > 0 && space[0] == ':' {
		space = space[1:]
	}
	c, err := s.next(depth)
	if err != nil || c != '{' || space == "" {
		return dst, fmt.Errorf("#:%.60s is not followed by a map", space)
	}
	if string(appendJSON(nil, []byte(space))) != `"`+space+`"` {
		return dst, fmt.Errorf("%.60q is not a namespace", space)
	}
	return s.object(dst, space, depth)
}
