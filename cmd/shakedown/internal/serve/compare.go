package serve

import (
	"fmt"
	"net/http"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/compare"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
)

// A comparison is what the page of two runs shows.
type comparison struct {
	compare.Comparison
	Same string // whether the plans are the same
}

// compare shows two runs side by side; a and b are ids.
func (s *server) compare(w http.ResponseWriter, r *http.Request) {
	var sides [2]compare.Side
	for i, name := range []string{"a", "b"} {
		f, err := s.byID(r.FormValue(name))
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		sides[i] = compare.Read(f)
	}
	c := comparison{compare.Of(sides[0], sides[1]), "Their plans differ."}
	if c.SamePlan {
		c.Same = "Their plans are the same, byte for byte."
	}
	s.show(w, "compare.tmpl", c)
}

// byID finds a run by its whole id among those below the root.
func (s *server) byID(id string) (*store.Folder, error) {
	runs, err := store.List(s.root)
	if err != nil {
		return nil, err
	}
	for _, info := range runs {
		if info.ID == id {
			return s.folder(info.Scenario, id)
		}
	}
	return nil, fmt.Errorf("there is no run %q", id)
}
