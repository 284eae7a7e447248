package serve

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
)

var idPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// open opens a run's folder so that no path gets out of it. The folder itself
// must lie below the root for real: a link that leads elsewhere does not count.
func (s *server) open(scenario, id string) (*os.Root, error) {
	if !idPattern.MatchString(scenario) || !idPattern.MatchString(id) {
		return nil, fs.ErrNotExist
	}
	root, err := os.OpenRoot(s.root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.OpenRoot(filepath.Join(scenario, id))
}

// folder opens a run as the store has it, once it is known to lie below root.
func (s *server) folder(scenario, id string) (*store.Folder, error) {
	dir, err := s.open(scenario, id)
	if err != nil {
		return nil, err
	}
	if err := dir.Close(); err != nil {
		return nil, err
	}
	return store.Open(filepath.Join(s.root, scenario, id))
}

// file gives out one file of a run's folder, for reading only.
func (s *server) file(w http.ResponseWriter, r *http.Request) {
	dir, err := s.open(r.PathValue("scenario"), r.PathValue("id"))
	if err != nil {
		missing(w)
		return
	}
	defer dir.Close()
	name := r.PathValue("path")
	f, err := dir.Open(path.Clean(name))
	if err != nil {
		missing(w)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() && !info.IsDir() {
		missing(w)
		return
	}
	if info.IsDir() {
		s.folderPage(w, r, dir, path.Clean(name))
		return
	}
	pretend(w.Header(), name)
	http.ServeContent(w, r, "", info.ModTime(), f)
}

// missing says the same about everything that cannot be had, so that nobody
// learns what there is outside.
func missing(w http.ResponseWriter) {
	http.Error(w, "there is no such run or file", http.StatusNotFound)
}

// pretend chooses the type of a file. Only pages that the program writes are
// shown as pages, and even they in a sandbox: their scripts run, but in an
// origin of their own, from which nothing here can be read. All else is text.
func pretend(h http.Header, name string) {
	page := name == "report.html" || strings.HasPrefix(name, "checks/") && path.Ext(name) == ".html"
	switch {
	case page:
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "sandbox allow-scripts allow-top-navigation-by-user-activation; default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:")
	case path.Ext(name) == ".zip":
		h.Set("Content-Type", "application/zip")
	default:
		h.Set("Content-Type", "text/plain; charset=utf-8")
	}
}

// A listing is what the page of a folder shows.
type listing struct {
	Title   string
	Entries []string
}

func (s *server) folderPage(w http.ResponseWriter, r *http.Request, dir *os.Root, name string) {
	if !strings.HasSuffix(r.URL.Path, "/") {
		http.Redirect(w, r, "./"+url.PathEscape(path.Base(r.URL.Path))+"/", http.StatusFound)
		return
	}
	entries, err := fs.ReadDir(dir.FS(), name)
	if err != nil {
		missing(w)
		return
	}
	l := listing{Title: path.Join(r.PathValue("scenario"), r.PathValue("id"), name)}
	for _, e := range entries {
		entry := e.Name()
		if e.IsDir() {
			entry += "/"
		}
		l.Entries = append(l.Entries, entry)
	}
	s.show(w, "folder.tmpl", l)
}

// show fills in a page. What it shows is known whole before the first byte
// goes out, so that a failure can still be told as one.
func (s *server) show(w http.ResponseWriter, name string, data any) {
	var b strings.Builder
	if err := s.pages.ExecuteTemplate(&b, name, data); err != nil {
		http.Error(w, fmt.Sprintf("make the page: %v", err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, b.String()) // that the browser went away is no news
}
