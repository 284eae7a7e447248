package report

import (
	"compress/flate"
	"encoding/json"
	"fmt"
	"io"
)

// A payload is what the page's script draws: the columns, compressed, and what
// is read directly, as JSON.
type payload struct {
	Count   int   `json:"count"`
	Clients int   `json:"clients"`
	Parts   []int `json:"parts"` // bytes of each column, and at last of the tables
	// End is the last moment, in microseconds like all moments here.
	End int64 `json:"end"`
	// OrderOnly says that the times mean nothing.
	OrderOnly bool           `json:"orderOnly,omitempty"`
	Phases    []payloadSpan  `json:"phases"`
	Faults    []payloadFault `json:"faults"`
	Nodes     []string       `json:"nodes"`
	Clocks    []clockSteps   `json:"clocks"`
	Leaders   []payloadSpan  `json:"leaders"`
	Marks     []logMark      `json:"marks"`
	Evidence  []int          `json:"evidence"`
}

// A payloadSpan is something that lasted.
type payloadSpan struct {
	Name string `json:"name"`
	From int64  `json:"from"`
	To   int64  `json:"to"`
}

// A payloadFault is a fault as it was planned (PlanFrom < 0: it was not) and
// as it was; moments that did not come are negative.
type payloadFault struct {
	ID       string   `json:"id"`
	Fault    string   `json:"fault"`
	Says     string   `json:"says"`
	Nodes    []string `json:"nodes"`
	Evidence string   `json:"evidence"`
	Held     bool     `json:"held"`
	PlanFrom int64    `json:"planFrom"`
	PlanTo   int64    `json:"planTo"`
	Inject   int64    `json:"inject"`
	InForce  int64    `json:"inForce"`
	Heal     int64    `json:"heal"`
	Healed   int64    `json:"healed"`
	// Recovered is when an operation first succeeded on each of its nodes after
	// the heal had begun.
	Recovered int64 `json:"recovered"`
}

// tables are the texts that the columns refer to by number, from 1.
type tables struct {
	F     []string `json:"f"`
	Keys  []string `json:"keys"`
	Nodes []string `json:"nodes"`
	Texts []string `json:"texts"`
}

// write writes the two data blocks of the page. JSON is escaped so that no text
// can end its block, and of the letters of the columns none could.
func (p payload) write(w io.Writer, c *columns) error {
	texts, err := json.Marshal(tables{c.fs.Texts, c.keys.Texts, c.nodes.Texts, c.texts.Texts})
	if err != nil {
		return fmt.Errorf("encode the texts: %w", err)
	}
	for _, part := range c.parts() {
		p.Parts = append(p.Parts, part.Len())
	}
	p.Parts = append(p.Parts, len(texts))
	about, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode the faults: %w", err)
	}
	if _, err := fmt.Fprintf(w, "<script type=\"application/json\" id=\"about\">%s</script>\n<script type=\"text/plain\" id=\"columns\">", about); err != nil {
		return err
	}
	if err := compress(w, c, texts); err != nil {
		return err
	}
	_, err = io.WriteString(w, "</script>\n")
	return err
}

// compress writes the columns and the texts, deflated, in letters.
func compress(w io.Writer, c *columns, texts []byte) error {
	text := &letters{w: w}
	deflate, err := flate.NewWriter(text, compression)
	if err != nil {
		return err
	}
	for _, part := range c.parts() {
		if _, err := deflate.Write(part.Bytes()); err != nil {
			return err
		}
	}
	if _, err := deflate.Write(texts); err != nil {
		return err
	}
	if err := deflate.Close(); err != nil {
		return err
	}
	return text.Close()
}

// compression is the level that makes a million operations fit well and takes
// less than a second for them.
const compression = 3
