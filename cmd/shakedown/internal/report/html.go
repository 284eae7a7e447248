package report

import (
	"bufio"
	"bytes"
	_ "embed" // for the page's template
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/shakedown-dev/shakedown/checkers"
)

//go:embed page/page.html.tmpl
var pageSource string

// A page is what the template shows.
type page struct {
	Run
	Word, Headline string
	Style          template.CSS
	Policy         string
	Stories        []story
	Sentences      [][]piece
	Checks         []checkRow
	HasTimeline    bool
	Timed          bool // else the history has only an order
	Timeline       timeline
	Faults         []faultRow
	Coverage       coverage
	Rules          []ruleBox
	Goodness       []Fact
	Nodes          []nodePart
	Total          Count
	Held, Injected int
	StartedText    string
	TookText       string
}

// A checkRow is a line of the table of checks.
type checkRow struct {
	Check, Word string
	Says        [][]piece
	Counts      []Fact
	Took        string
	Folder      string
	Pages       []string
}

// HTML writes the run as one page that needs nothing else: no network and no
// other file. Verdict, counterexample and tables are plain; a script adds the
// time axis that can be zoomed, and the list of operations. Links to the files
// of the run folder are relative.
func HTML(w io.Writer, r Run) error {
	t, err := template.New("page").Funcs(template.FuncMap{"inc": func(i int) int { return i + 1 }, "class": classOf}).Parse(pageSource)
	if err != nil {
		return fmt.Errorf("read the page's template: %w", err)
	}
	f := newFacts(r)
	p, err := newPage(f)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return fmt.Errorf("fill the page: %w", err)
	}
	out := bufio.NewWriterSize(w, 1<<16)
	if _, err := b.WriteTo(out); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	if err := writeEnd(out, f); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// writeEnd writes what the template does not: data and script, which come last
// so that a browser can show the rest before it has read them.
func writeEnd(w *bufio.Writer, f *facts) error {
	if len(f.operations) > 0 {
		if err := f.payload().write(w, newColumns(f.operations, f.lanes())); err != nil {
			return err
		}
		text, err := script()
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "<script>%s</script>\n", text); err != nil {
			return err
		}
	}
	if _, err := w.WriteString("</body>\n</html>\n"); err != nil {
		return err
	}
	return w.Flush()
}

func newPage(f *facts) (page, error) {
	r := f.run
	style, err := assets.ReadFile("page/page.css")
	if err != nil {
		return page{}, fmt.Errorf("read the page's style: %w", err)
	}
	policy, err := policy()
	if err != nil {
		return page{}, err
	}
	p := page{Run: r, Word: Word(r.Verdict), Headline: capital(r.Headline()), TookText: seconds(r.Took), Style: template.CSS(style), Policy: policy}
	for _, says := range r.findings() {
		p.Sentences = append(p.Sentences, pieces(says))
	}
	if !r.Started.IsZero() {
		p.StartedText = r.Started.UTC().Format("2 January 2006 15:04:05 UTC")
	}
	p.Stories = f.stories()
	for _, c := range r.Sorted() {
		p.Checks = append(p.Checks, newCheckRow(c, p.tells(c)))
	}
	if r.History == nil {
		return p, nil
	}
	p.Timed = f.hasTimes
	p.Timeline, p.HasTimeline = newTimeline(f)
	p.Faults, p.Coverage, p.Goodness = f.faultRows(), f.coverage(), f.goodness()
	p.Rules = f.ruleBoxes()
	p.Nodes, p.Total = f.nodeParts(), f.total
	p.Held, p.Injected = tookHold(r.History)
	return p, nil
}

// capital begins a sentence.
func capital(s string) string {
	if s != "" && s[0] >= 'a' && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}

// findings are the sentences of what is neither valid nor a violation: the
// violations have their stories.
func (r Run) findings() []string {
	out := slices.Clone(r.Reasons)
	for _, c := range r.with(checkers.Unknown) {
		says := slices.Clone(c.Says)
		if len(says) == 0 {
			says = []string{"it does not say why."}
		}
		says[0] = c.Check + " is unknown: " + says[0]
		out = append(out, says...)
	}
	return out
}

// tells whether the check has a story, which need not be told twice.
func (p page) tells(c checkers.Result) bool {
	return c.Verdict == checkers.Violation && slices.ContainsFunc(p.Stories, func(s story) bool { return s.Check == c.Check })
}

func newCheckRow(c checkers.Result, told bool) checkRow {
	row := checkRow{Check: c.Check, Word: Word(c.Verdict), Took: seconds(c.Took), Folder: CheckFolder(c.Check)}
	says := c.Says
	if told && len(says) > 2 {
		says = append(slices.Clone(says[:1]), "The rest is told above.")
	}
	for _, says := range says {
		row.Says = append(row.Says, pieces(says))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Counts)) {
		row.Counts = append(row.Counts, Fact{strings.ReplaceAll(name, "_", " "), grouped(int(c.Counts[name]))})
	}
	for _, p := range c.Pages {
		row.Pages = append(row.Pages, clip(p.Name, maxName))
	}
	return row
}

// CheckFolder is the name of a check's folder below checks/: the check's name
// with everything but letters, digits, dots and dashes turned into dashes.
func CheckFolder(check string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		}
		return '-'
	}, check)
	if name = strings.Trim(name, ".-"); name == "" {
		return "check"
	}
	return name
}
