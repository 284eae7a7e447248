package report

import (
	"bytes"
	_ "embed" // for the page's template
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

//go:embed page.html.tmpl
var pageSource string

// A page is what the template shows.
type page struct {
	Run
	Word, Headline string
	Sentences      []string
	Checks         []checkRow
	HasTimeline    bool
	Timeline       timeline
	Faults         []faultRow
	Nodes          []nodeCount
	Total          Count
	Held, Injected int
	StartedText    string
	TookText       string
}

// A checkRow is a line of the table of checks.
type checkRow struct {
	Check, Word string
	Says        []string
	Counts      []Fact
	Took        string
	Folder      string
	Pages       []string
}

// A faultRow is a line of the table that tells whether the faults bit.
type faultRow struct {
	ID, What, Planned string
	Inject, InForce   string
	Heal, Healed      string
	Hold              string // "yes", "no" or "never injected"
	Evidence          string
	OKDuring          int
}

// HTML writes the run as one page that needs nothing else: no network, no
// other file, no script. Links to the files of the run folder are relative.
func HTML(w io.Writer, r Run) error {
	t, err := template.New("page").Parse(pageSource)
	if err != nil {
		return fmt.Errorf("read the page's template: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, newPage(r)); err != nil {
		return fmt.Errorf("fill the page: %w", err)
	}
	if _, err := b.WriteTo(w); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

func newPage(r Run) page {
	p := page{Run: r, Word: Word(r.Verdict), Headline: r.Headline(), Sentences: r.findings(), TookText: seconds(r.Took)}
	if !r.Started.IsZero() {
		p.StartedText = r.Started.UTC().Format("2 January 2006 15:04:05 UTC")
	}
	for _, c := range r.Sorted() {
		p.Checks = append(p.Checks, newCheckRow(c))
	}
	if r.History == nil {
		return p
	}
	p.Timeline, p.HasTimeline = newTimeline(r)
	p.Faults = faultRows(r)
	p.Nodes = countNodes(r.History)
	p.Total = countAll(r.History)
	p.Held, p.Injected = tookHold(r.History)
	return p
}

// findings are the sentences of everything that is not plainly valid.
func (r Run) findings() []string {
	var out []string
	for _, c := range r.with(checkers.Violation) {
		out = append(out, c.Says...)
	}
	out = append(out, r.Reasons...)
	for _, c := range r.with(checkers.Unknown) {
		out = append(out, c.Check+" is unknown: "+strings.Join(c.Says, " "))
	}
	return out
}

func newCheckRow(c checkers.Result) checkRow {
	row := checkRow{Check: c.Check, Word: Word(c.Verdict), Says: c.Says, Took: seconds(c.Took), Folder: CheckFolder(c.Check)}
	for _, name := range slices.Sorted(maps.Keys(c.Counts)) {
		row.Counts = append(row.Counts, Fact{strings.ReplaceAll(name, "_", " "), grouped(int(c.Counts[name]))})
	}
	for _, p := range c.Pages {
		row.Pages = append(row.Pages, p.Name)
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

// faultRows joins the plan with what really happened.
func faultRows(r Run) []faultRow {
	operations := r.History.Operations()
	planned := map[string]Planned{}
	for _, p := range r.Planned {
		planned[p.ID] = p
	}
	var out []faultRow
	for _, w := range r.History.Faults() {
		row := newFaultRow(w)
		row.OKDuring = okDuring(operations, w)
		if p, ok := planned[w.ID]; ok {
			row.Planned = fmt.Sprintf("%s for %s", seconds(p.At), seconds(p.For))
			delete(planned, w.ID)
		}
		out = append(out, row)
	}
	for _, p := range r.Planned {
		if _, left := planned[p.ID]; left {
			out = append(out, faultRow{ID: p.ID, What: p.Says, Hold: "never injected",
				Planned: fmt.Sprintf("%s for %s", seconds(p.At), seconds(p.For))})
		}
	}
	return out
}

func newFaultRow(w history.FaultWindow) faultRow {
	row := faultRow{
		ID: w.ID, What: strings.Join(w.Nodes, " "), Evidence: w.Evidence, Hold: "no",
		Inject: moment(w.Inject), InForce: moment(w.InForce), Heal: moment(w.Heal), Healed: moment(w.Healed),
	}
	if w.Says != "" {
		row.What = w.Says
	}
	if w.Role != "" {
		row.What += " (" + w.Role + ")"
	}
	if w.TookHold() {
		row.Hold = "yes"
	}
	if w.Error != "" {
		row.Evidence = strings.TrimPrefix(row.Evidence+"; "+w.Error, "; ")
	}
	return row
}
