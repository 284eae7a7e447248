package fold

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/shakedown-dev/shakedown/checkers/say"
)

// smallLimit is up to where integers have their ids in a slice, which is ten
// times as fast as a map; the slice grows with the largest that occurs and
// takes 32 MB at most. sparse is how many times more places than values it may have.
const (
	smallLimit = 1 << 22
	sparse     = 64
)

// ids numbers the different values of a check from 0, in order of appearance.
type ids struct {
	small []int32 // id + 1 of the integer that is the index; 0: none
	large map[int64]int32
	text  map[string]int32
	n     int
}

// len returns how many values have been numbered.
func (s *ids) len() int { return s.n }

// of returns the id of a value, a new one if it is new.
func (s *ids) of(value json.RawMessage) int32 {
	c := cursor{b: value}
	return s.next(&c)
}

// next reads a value and returns its id.
func (s *ids) next(c *cursor) int32 {
	if n, ok := c.integer(); ok {
		return s.integer(n)
	}
	return s.other(c.value())
}

// integer returns the id of an integer. One far beyond the number of values
// seen so far goes into the map, so that the slice is never much larger than
// the values are many.
func (s *ids) integer(n int64) int32 {
	if n >= 0 && n < int64(len(s.small)) && s.small[n] != 0 {
		return s.small[n] - 1
	}
	if id, ok := s.large[n]; ok {
		return id
	}
	s.n++
	if n >= 0 && n < min(smallLimit, sparse*int64(s.n+sparse)) {
		if n >= int64(len(s.small)) {
			grown := make([]int32, 2*n+sparse)
			copy(grown, s.small)
			s.small = grown
		}
		s.small[n] = int32(s.n)
		return int32(s.n - 1)
	}
	if s.large == nil {
		s.large = make(map[int64]int32)
	}
	s.large[n] = int32(s.n - 1)
	return int32(s.n - 1)
}

// other returns the id of a value that is not written as an integer.
func (s *ids) other(value json.RawMessage) int32 {
	if id, ok := s.text[string(value)]; ok {
		return id
	}
	text := canonical(value)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && text != "-0" {
		c := cursor{b: []byte(text)}
		if _, short := c.integer(); short {
			return s.integer(n)
		}
	}
	if id, ok := s.text[text]; ok {
		return id
	}
	if s.text == nil {
		s.text = make(map[string]int32)
	}
	s.text[text] = int32(s.n)
	s.n++
	return int32(s.n - 1)
}

// elements appends the ids of an array's elements to into. It reports whether
// the value is an array (null is an empty one).
func (s *ids) elements(value json.RawMessage, into []int32) ([]int32, bool) {
	if isNull(value) {
		return into, true
	}
	c := cursor{b: value}
	if !c.open('[') {
		return into, false
	}
	for c.more(']') {
		into = append(into, s.next(&c))
		into = s.run(&c, into)
	}
	return into, !c.bad
}

// run is the fast lane of elements: plain integers with a comma before them.
func (s *ids) run(c *cursor, into []int32) []int32 {
	b, small := c.b, s.small
	i := c.i
	for i+1 < len(b) && b[i] == ',' {
		j, n := i+1, 0
		for ; j < len(b) && b[j]-'0' < 10; j++ {
			n = n*10 + int(b[j]-'0')
		}
		if j == i+1 || j-i > 16 || j >= len(b) || b[j] != ',' && b[j] != ']' || n >= len(small) || small[n] == 0 {
			break
		}
		into = append(into, small[n]-1)
		i = j
	}
	c.i = i
	return into
}

// name returns the text of the value with an id. It searches: for sentences only.
func (s *ids) name(id int32) string {
	for n, place := range s.small {
		if place == id+1 {
			return strconv.Itoa(n)
		}
	}
	for n, place := range s.large {
		if place == id {
			return strconv.FormatInt(n, 10)
		}
	}
	for text, place := range s.text {
		if place == id {
			return say.Cut(text, shownValue)
		}
	}
	return fmt.Sprintf("value %d", id)
}
