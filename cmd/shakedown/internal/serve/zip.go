package serve

import (
	"io"
	"net/http"
	"strings"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
)

// zip gives out a run as one file.
func (s *server) zip(w http.ResponseWriter, r *http.Request) {
	scenario, id := r.PathValue("scenario"), strings.TrimSuffix(r.PathValue("file"), ".zip")
	if id == r.PathValue("file") {
		http.Redirect(w, r, "/runs/"+scenario+"/"+id+"/", http.StatusFound)
		return
	}
	folder, err := s.folder(scenario, id)
	if err != nil {
		missing(w)
		return
	}
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", `attachment; filename="`+id+`.zip"`)
	if r.Method == http.MethodHead {
		return
	}
	bundle := s.o.Bundle
	if bundle == nil {
		bundle = func(w io.Writer, f *store.Folder) error { return f.Pack(w, nil) }
	}
	if bundle(w, folder) != nil {
		panic(http.ErrAbortHandler) // the only way to tell a browser that what it has is not whole
	}
}
