package export

import (
	"embed"
	"fmt"
	"html/template"
	"io"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/report"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
)

//go:embed index.html.tmpl
var assets embed.FS

// An indexPage is what the first page of a bundle shows.
type indexPage struct {
	Run     report.Run
	Verdict string
	Files   []store.FileKind
}

// Index writes the first page of a bundle: what was found, what lies in it, and
// how to go on. It opens offline, and has no script.
func Index(w io.Writer, r report.Run, files []store.FileKind) error {
	t, err := template.ParseFS(assets, "*.tmpl")
	if err != nil {
		return fmt.Errorf("read the index page: %w", err)
	}
	return t.Execute(w, indexPage{r, report.Word(r.Verdict), files})
}

// Sentences are what each check says, the worst first.
func (p indexPage) Sentences() []string {
	out := append([]string(nil), p.Run.Reasons...)
	for _, c := range p.Run.Sorted() {
		for _, s := range c.Says {
			out = append(out, c.Check+": "+s)
		}
	}
	return out
}
