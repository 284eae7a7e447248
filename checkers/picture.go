package checkers

import (
	"fmt"
	"io"
	"slices"

	"github.com/shakedown-dev/shakedown/history"
)

// maxDrawn is how many operations porcupine's page may have before a browser
// takes minutes to lay it out.
const maxDrawn = 3000

// Picture writes porcupine's own page of all operations on one key, taken for a
// register of the named model, with the faults above. Unlike the page that goes
// with a violation it is not cut down to a window. An empty key means the first
// of the keys that there are most operations on. More operations than a browser
// can show are an error, as is a key that there is not.
func Picture(w io.Writer, h *history.History, model, key string) error {
	m, err := modelNamed(model)
	if err != nil {
		return err
	}
	var found *register
	for _, r := range keysOf(h, null) {
		switch {
		case key != "" && r.key == key:
			found = r
		case key == "" && (found == nil || len(r.at) > len(found.at)):
			found = r
		}
	}
	if found == nil {
		return fmt.Errorf("draw a key: there are no operations on %q", key)
	}
	found.gather(h.Operations(), linearizable{model: m})
	switch {
	case found.strange != "":
		return fmt.Errorf("draw %s: %s", found.name(), found.strange)
	case len(found.accesses) > maxDrawn:
		return fmt.Errorf("draw %s: it has %d operations, and a browser shows %d at most", found.name(), len(found.accesses), maxDrawn)
	}
	return drawThese(w, &judgement{register: found}, slices.Clone(found.accesses), h.Faults())
}
