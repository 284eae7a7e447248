package export

import (
	"cmp"
	"io"

	"github.com/shakedown-dev/shakedown/checkers"
)

// writePorcupine writes porcupine's page of one key.
func writePorcupine(w io.Writer, s Source) error {
	return checkers.Picture(w, s.History, cmp.Or(s.Model, "cas-register"), s.Key)
}
