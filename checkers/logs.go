package checkers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode"

	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

const (
	// longestLine is how much of a line is looked at as one piece; what is
	// longer is looked at in pieces that overlap.
	longestLine = 64 << 10
	// shownLine is how many characters of a log line are quoted.
	shownLine = 200
	// namedMatches is how many matches are told in words; all are counted.
	namedMatches = 4
)

// logs looks for forbidden strings in what the nodes wrote.
//
// A match is a violation. Missing logs are Unknown: none at all, or none of a
// node that the plan names. Files are streamed, so their size does not matter.
// Counts hold the number of "files", "lines" and "matches".
type logs struct {
	forbid []string
	files  fs.FS
}

// Name returns "logs".
func (logs) Name() string { return "logs" }

// Check reads every node's logs, whatever their names. It stops when ctx is done.
func (c logs) Check(ctx context.Context, h *history.History) Result {
	r := Result{Check: c.Name()}
	if c.files == nil {
		r.Says = []string{"There are no logs."}
		return r
	}
	s := logScan{forbid: c.forbid}
	missing := s.nodes(ctx, c.files, h)
	r.Says = append(s.matches, missing...)
	r.Counts = map[string]int64{"files": s.files, "lines": s.lines, "matches": s.found}
	switch {
	case s.found > 0:
		r.Verdict = Violation
		if more := s.found - int64(len(s.matches)); more > 0 {
			r.Says = append(r.Says, fmt.Sprintf("And %d more such lines.", more))
		}
	case s.files == 0:
		r.Says = []string{"There are no logs."}
	case len(missing) == 0:
		r.Verdict = Valid
		r.Says = []string{fmt.Sprintf("None of %s in %s holds %s.",
			say.Number(s.lines, "line"), say.Number(s.files, "log file"), quoted(c.forbid))}
	}
	return r
}

func quoted(words []string) string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = fmt.Sprintf("%q", w)
	}
	return strings.Join(q, " or ")
}

// A logScan is what was found so far.
type logScan struct {
	forbid              []string
	files, lines, found int64
	matches             []string
}

// nodes scans the logs of every node there is, and says what is missing.
func (s *logScan) nodes(ctx context.Context, files fs.FS, h *history.History) (missing []string) {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return []string{fmt.Sprintf("The logs cannot be listed: %v.", err)}
	}
	have := make(map[string]bool)
	for _, e := range entries {
		for _, name := range logsIn(files, e.Name()) {
			have[e.Name()] = true
			if err := s.file(ctx, files, e.Name(), name); err != nil {
				missing = append(missing, fmt.Sprintf("%s of %s was not read to its end: %v.", name, e.Name(), err))
			}
		}
	}
	plan, _ := h.Announcement()
	for _, node := range plan.Nodes {
		if !have[node] {
			missing = append(missing, fmt.Sprintf("There are no logs of %s.", node))
		}
	}
	return missing
}

// logsIn are the names of a node's logs: all its files but what the engine says
// of it. A node on a host has logs of other names than stdout.log and stderr.log.
func logsIn(files fs.FS, node string) (names []string) {
	entries, _ := fs.ReadDir(files, node) // What cannot be listed is missing.
	for _, e := range entries {
		if !e.IsDir() && path.Ext(e.Name()) != ".json" {
			names = append(names, e.Name())
		}
	}
	return names
}

func (s *logScan) file(ctx context.Context, files fs.FS, node, name string) error {
	file, err := files.Open(path.Join(node, name))
	if err != nil {
		return err
	}
	defer file.Close()
	s.files++
	lines := bufio.NewReaderSize(file, longestLine)
	number, matched := 1, false
	tail := ""
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		piece, err := lines.ReadSlice('\n')
		text := tail + string(piece)
		if word, at := s.forbidden(text); at >= 0 && !matched {
			matched = true
			s.match(node, name, number, word, excerpt(text, at))
		}
		switch {
		case err == nil:
			number, matched, tail = number+1, false, ""
			s.lines++
		case errors.Is(err, bufio.ErrBufferFull):
			tail = text[len(text)-min(len(text), s.overlap()):]
		case err == io.EOF:
			if text != "" {
				s.lines++
			}
			return nil
		default:
			return err
		}
	}
}

// overlap is how much of a piece the next one must begin with, so that no
// match is lost between them.
func (s *logScan) overlap() int {
	longest := 0
	for _, word := range s.forbid {
		longest = max(longest, len(word)-1)
	}
	return longest
}

func (s *logScan) forbidden(text string) (string, int) {
	for _, word := range s.forbid {
		if at := strings.Index(text, word); at >= 0 {
			return word, at
		}
	}
	return "", -1
}

func (s *logScan) match(node, name string, line int, word, text string) {
	s.found++
	if len(s.matches) < namedMatches {
		s.matches = append(s.matches, fmt.Sprintf("%s wrote %q in line %d of its %s: %s", node, word, line, name, text))
	}
}

// colourless takes out the escape sequences by which terminals are coloured.
func colourless(line string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(line, "\x1b[")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		end := strings.IndexFunc(after, unicode.IsLetter)
		if end < 0 {
			return b.String()
		}
		line = after[end+1:]
	}
}

// excerpt returns the line that has a match at byte at, fit for a terminal: no
// control characters, and of a long line the part around the match.
func excerpt(line string, at int) string {
	if at > shownLine/2 && len(line) > shownLine {
		line = "…" + line[at-shownLine/2:]
	}
	line = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r':
			return -1
		case r == '\t':
			return ' '
		case r == unicode.ReplacementChar || !unicode.IsPrint(r):
			return '?'
		}
		return r
	}, colourless(line))
	return say.Cut(line, shownLine)
}
