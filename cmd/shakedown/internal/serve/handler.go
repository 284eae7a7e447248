package serve

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"time"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
)

//go:embed page
var assets embed.FS

// Options are what [Handler] may be told.
type Options struct {
	// Now is the wall clock, to tell a run in progress from one that was cut
	// short.
	Now func() time.Time
	// Bundle writes a run as one zip; nil for the folder as it is.
	Bundle func(w io.Writer, f *store.Folder) error
}

// A server answers for the runs below root.
type server struct {
	root  string
	o     Options
	pages *template.Template
}

// Handler answers for the runs below root:
//
//	/                              the list; ?q= and ?verdict= narrow it
//	/runs/SCENARIO/ID/             the report of a run, or its progress
//	/runs/SCENARIO/ID/report.html  and every other file of its folder
//	/runs/SCENARIO/ID/files/       the files of its folder
//	/runs/SCENARIO/ID.zip          the folder as one file
//	/tail/SCENARIO/ID?from=N       its history from byte N on, whole lines only
//	/compare?a=ID&b=ID             two runs side by side
//
// It answers GET and HEAD alone, and only if the request was addressed to
// this machine and does not come from another origin: a name that someone
// points at 127.0.0.1 gets nothing, and neither does another site's script. No
// path gets out of root, not through a link either. The error is about the
// program's own pages.
func Handler(root string, o Options) (http.Handler, error) {
	pages, err := template.New("").ParseFS(assets, "page/*.tmpl")
	if err != nil {
		return nil, fmt.Errorf("read the pages: %w", err)
	}
	s := &server{root: root, o: o, pages: pages}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.list)
	mux.HandleFunc("GET /runs/{scenario}/{id}/{$}", s.run)
	mux.HandleFunc("GET /runs/{scenario}/{file}", s.zip)
	mux.HandleFunc("GET /runs/{scenario}/{id}/{path...}", s.file)
	mux.HandleFunc("GET /runs/{scenario}/{id}/files/{path...}", s.file)
	mux.HandleFunc("GET /tail/{scenario}/{id}", s.tail)
	mux.HandleFunc("GET /compare", s.compare)
	mux.HandleFunc("GET /page/{name}", s.asset)
	return guard(mux), nil
}

// asset gives out the pages' own script and style.
func (s *server) asset(w http.ResponseWriter, r *http.Request) {
	types := map[string]string{"serve.css": "text/css; charset=utf-8", "live.js": "text/javascript; charset=utf-8", "list.js": "text/javascript; charset=utf-8"}
	name := r.PathValue("name")
	kind, ok := types[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	text, err := assets.ReadFile("page/" + name)
	if err != nil {
		http.Error(w, "it is missing from this program", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(text) // that the browser went away is no news
}
