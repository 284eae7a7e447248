package scenarios

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// Limits of what is read. A scenario is a page or two; these keep a mistaken
// file (a log, a core) or a hostile one from costing more than a message.
const (
	maxFile      = 1 << 20
	maxNodes     = 100_000
	maxDepth     = 100
	maxFindings  = 100
	maxLocateLen = 32 << 10 // longest file, and
	maxLocate    = 500      // most lines, in which a syntax error is searched for
)

// A document is a text read as YAML, with what was found wrong with it.
type document struct {
	file *source
	// sets says which nodes came from an override rather than from file.
	sets  map[*yaml.Node]*source
	found Diagnostics
	// recipe is the one that the scenario uses, nil for none.
	recipe *Recipe
	// more is how many findings came after the first maxFindings.
	more int
	// sections are the fields that each mapping may have, by its place, for
	// the test that holds [Fields] to them; nil where nobody asks.
	sections map[string][]string
}

// knows notes the fields that a mapping may have.
func (d *document) knows(where string, fields []string) {
	if d.sections != nil {
		d.sections[where] = fields
	}
}

// load reads text as one YAML document without aliases. The node is nil if
// there is none; the reason is then among the findings.
func load(path string, text []byte) (*document, *yaml.Node) {
	d := &document{sets: map[*yaml.Node]*source{}}
	if len(text) > maxFile {
		d.file = newSource(path, nil)
		d.add(d.file, 1, 1, "", fmt.Sprintf("the file has %d bytes, which is too much for a scenario", len(text)),
			fmt.Sprintf("at most %d are read", maxFile))
		return d, nil
	}
	d.file = newSource(path, text)
	if line, column, ok := badUTF8(text); ok {
		d.add(d.file, line, column, "", "this is not UTF-8 text, so it is not YAML", "save the file as UTF-8")
		return d, nil
	}
	return d, d.root(text)
}

// root is the only document in text, aliases expanded, or nil.
func (d *document) root(text []byte) *yaml.Node {
	first, second, err := decode(text)
	switch {
	case errors.Is(err, io.EOF):
		d.add(d.file, 1, 1, "", "the file is empty", "a scenario begins with version: 1")
		return nil
	case err != nil:
		d.syntax(text, err)
		return nil
	case second != nil:
		d.add(d.file, second.Line, second.Column, "", "a second document begins here",
			"one file holds one scenario: leave out the --- line, or split the file")
		return nil
	}
	return d.expand(first)
}

// decode reads the first document of text and, if there is one, the second.
func decode(text []byte) (first, second *yaml.Node, err error) {
	in := yaml.NewDecoder(bytes.NewReader(text))
	if first, err = content(in); err != nil {
		return nil, nil, err
	}
	second, err = content(in)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return first, second, err
}

// content is the next document's one node.
func content(in *yaml.Decoder) (*yaml.Node, error) {
	var doc yaml.Node
	if err := in.Decode(&doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 {
		return nil, io.EOF
	}
	return doc.Content[0], nil
}

// syntax reports text that the YAML parser refused. The parser tells a line at
// best, and often one that is too early; see locate.
func (d *document) syntax(text []byte, err error) {
	line, says := parserLine(err)
	if better, ok := locate(text, len(d.file.lines)); ok {
		line = better
	}
	line = min(max(line, 1), len(d.file.lines))
	column, hint := complaint(d.file.lines[line-1], says)
	d.add(d.file, line, column, "", "this is not YAML: "+says, hint)
}

// complaint is where in the line the parser's message points to, and what to
// do about it.
func complaint(line, says string) (column int, hint string) {
	blank := len(line) - len(strings.TrimLeft(line, " \t"))
	tab := strings.IndexByte(line[:blank], '\t')
	switch {
	case tab >= 0:
		return tab + 1, "YAML is indented with spaces, and there is a tab here"
	case strings.Contains(says, "mapping values are not allowed"):
		return 1 + secondColon(line, blank), `is the line before indented alike? a value that contains ": " needs quotes`
	case strings.Contains(says, "unknown anchor"):
		return blank + 1, "a value that begins with * needs quotes; an alias comes after its anchor"
	case strings.Contains(says, "control characters"):
		return blank + 1, "is this the right file?"
	case strings.Contains(says, "incompatible"):
		return blank + 1, "leave the line out"
	}
	return blank + 1, "check the indentation, and quote values that contain a colon or begin with a special character"
}

// parserLine takes the parser's message apart: "yaml: line 3: did not …".
func parserLine(err error) (line int, says string) {
	says = strings.TrimPrefix(err.Error(), "yaml: ")
	rest, ok := strings.CutPrefix(says, "line ")
	if !ok {
		return 1, says
	}
	number, message, ok := strings.Cut(rest, ": ")
	n, notNumber := strconv.Atoi(number)
	if !ok || notNumber != nil {
		return 1, says
	}
	return n, message
}

// locate finds the line at which a text stops being YAML: the one after the
// last line up to which it is. Lines are taken away from the end, because a
// beginning may be wrong only for what is still to come (an open bracket).
func locate(text []byte, lines int) (line int, ok bool) {
	if len(text) > maxLocateLen || lines > maxLocate {
		return 0, false
	}
	for {
		end := bytes.LastIndexByte(text, '\n')
		if end < 0 {
			return 1, true
		}
		text = text[:end]
		if _, _, err := decode(append(bytes.Clone(text), '\n')); err == nil || errors.Is(err, io.EOF) {
			return bytes.Count(text, []byte{'\n'}) + 2, true
		}
	}
}

// secondColon is the offset, in characters, of the second ": " in a line, or
// else of its first word, which begins after blank bytes.
func secondColon(line string, blank int) int {
	first := strings.Index(line, ": ")
	if first < 0 {
		return blank
	}
	second := strings.Index(line[first+2:], ":")
	if second < 0 {
		return blank
	}
	return utf8.RuneCountInString(line[:first+2+second])
}

// badUTF8 is the place of the first byte that is not UTF-8 text.
func badUTF8(text []byte) (line, column int, bad bool) {
	if utf8.Valid(text) {
		return 0, 0, false
	}
	line, column = 1, 1
	for len(text) > 0 {
		c, size := utf8.DecodeRune(text)
		if c == utf8.RuneError && size == 1 {
			break
		}
		column++
		if c == '\n' {
			line, column = line+1, 1
		}
		text = text[size:]
	}
	return line, column, true
}

// add notes a finding.
func (d *document) add(in *source, line, column int, where, message, hint string) {
	if len(d.found) >= maxFindings {
		d.more++
		return
	}
	found := in.place(line, column, where)
	found.Message, found.Hint = message, hint
	d.found = append(d.found, found)
}

// place is a finding without its message.
func (s *source) place(line, column int, where string) Diagnostic {
	text, caret := s.excerpt(line, column)
	return Diagnostic{Path: s.path, Line: line, Column: column, Where: where, Excerpt: text, Caret: caret}
}

// in is the text that a node comes from.
func (d *document) in(n *yaml.Node) *source {
	if set, ok := d.sets[n]; ok {
		return set
	}
	return d.file
}

// place is a finding about a node without its message.
func (d *document) place(n *yaml.Node, where string) Diagnostic {
	return d.in(n).place(n.Line, n.Column, where)
}

// at notes a finding about a node.
func (d *document) at(n *yaml.Node, where, message, hint string) {
	d.add(d.in(n), n.Line, n.Column, where, message, hint)
}
