package serve

import (
	"bytes"
	"io"
	"net/http"
	"strconv"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
)

// tailBytes is how much of a history one request gives out.
const tailBytes = 1 << 20

// A livePage shows a run without a report.
type livePage struct {
	Scenario, ID string
	State        string
	HasHistory   bool
}

// run leads to the report of a run that was judged, and shows how far any
// other one got.
func (s *server) run(w http.ResponseWriter, r *http.Request) {
	scenario, id := r.PathValue("scenario"), r.PathValue("id")
	f, err := s.folder(scenario, id)
	if err != nil {
		missing(w)
		return
	}
	if f.Has(store.ResultFile) && f.Has("report.html") {
		http.Redirect(w, r, "report.html", http.StatusFound)
		return
	}
	row := s.row(f.Info())
	s.show(w, "live.tmpl", livePage{Scenario: scenario, ID: id, State: row.State, HasHistory: f.Has(store.HistoryFile)})
}

// tail gives out the history from a byte on, as far as its lines are whole. The
// header Next-Byte says where to go on, Judged that the run has its verdict.
func (s *server) tail(w http.ResponseWriter, r *http.Request) {
	from, err := strconv.ParseInt(r.FormValue("from"), 10, 64)
	if err != nil || from < 0 {
		http.Error(w, "from is not a number of bytes", http.StatusBadRequest)
		return
	}
	dir, err := s.open(r.PathValue("scenario"), r.PathValue("id"))
	if err != nil {
		missing(w)
		return
	}
	defer dir.Close()
	lines := []byte{}
	if f, err := dir.Open(store.HistoryFile); err == nil {
		defer f.Close()
		if lines, err = io.ReadAll(io.NewSectionReader(f, from, tailBytes)); err != nil {
			http.Error(w, "the history cannot be read", http.StatusInternalServerError)
			return
		}
	}
	end := bytes.LastIndexByte(lines, '\n') + 1
	if end == 0 && len(lines) == tailBytes {
		end = len(lines) // one line longer than that: the reader skips what it cannot read
	}
	_, judged := dir.Stat(store.ResultFile)
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Next-Byte", strconv.FormatInt(from+int64(end), 10))
	h.Set("Judged", strconv.FormatBool(judged == nil))
	_, _ = w.Write(lines[:end]) // that the browser went away is no news
}
