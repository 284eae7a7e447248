package serve

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
)

const (
	maxListed = 500              // runs on a page; the search sees all
	alive     = 15 * time.Second // a history that grew so lately belongs to a run in progress
)

// A runRow is a run in the list.
type runRow struct {
	ID, Scenario, Started string
	// State is a word: a verdict, "running", "cut short" or "broken".
	State    string
	Expected string // "as expected", or what was expected instead
	Problem  string
}

// A listPage is what the list shows.
type listPage struct {
	Query, Verdict string
	States         []string
	Rows           []runRow
	Fit, All       int
	Problem        string
}

// list shows the runs that fit the search, newest first.
func (s *server) list(w http.ResponseWriter, r *http.Request) {
	p := listPage{Query: r.FormValue("q"), Verdict: r.FormValue("verdict"), States: []string{"violation", "unknown", "valid", "running", "cut short", "broken"}}
	runs, err := store.List(s.root)
	if err != nil {
		p.Problem = err.Error()
	}
	p.All = len(runs)
	for _, info := range runs {
		row := s.row(info)
		if !row.fits(p.Query, p.Verdict) {
			continue
		}
		if p.Fit++; p.Fit <= maxListed {
			p.Rows = append(p.Rows, row)
		}
	}
	s.show(w, "list.tmpl", p)
}

// row describes a run in a few words.
func (s *server) row(i store.Info) runRow {
	row := runRow{ID: i.ID, Scenario: i.Scenario, State: i.Verdict, Problem: i.Problem}
	if !i.Started.IsZero() {
		row.Started = i.Started.UTC().Format("2006-01-02 15:04:05")
	}
	switch {
	case i.Problem != "":
		row.State = "broken"
	case i.Stage != store.StageResult && s.running(i.Path):
		row.State = "running"
	case i.Stage != store.StageResult:
		row.State = "cut short"
	case i.Verdict == i.Expect:
		row.Expected = "as expected"
	default:
		row.Expected = "expected " + i.Expect
	}
	return row
}

// running tells whether the history in a folder still grows.
func (s *server) running(path string) bool {
	for _, name := range []string{store.HistoryFile, store.PlanFile} {
		info, err := os.Lstat(filepath.Join(path, name))
		if err == nil && s.o.Now().Sub(info.ModTime()) < alive {
			return true
		}
	}
	return false
}

// fits tells whether each word of the query is somewhere in the row.
func (r runRow) fits(query, state string) bool {
	if state != "" && r.State != state {
		return false
	}
	text := strings.ToLower(strings.Join([]string{r.ID, r.Scenario, r.Started, r.State, r.Expected, r.Problem}, " "))
	return !slices.ContainsFunc(strings.Fields(strings.ToLower(query)), func(word string) bool { return !strings.Contains(text, word) })
}
