package txn

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"math"

	"github.com/shakedown-dev/shakedown/checkers"
)

const (
	// drawn is how many transactions a picture shows at most.
	drawn = 30
	// boxWidth and boxHeight are the size of a transaction, in pixels.
	boxWidth, boxHeight = 60, 34
	// lineHeight is the height of a line of text, in pixels.
	lineHeight = 18
	// wide is how many characters fit on a line of text.
	wide = 150
)

// drawing is a page with the cycle as a picture, its sentences below.
func drawing(name string, t told, f finding) checkers.Page {
	return checkers.Page{Name: name, Write: func(w io.Writer) error {
		out := bufio.NewWriter(w)
		newPicture(t, f).draw(out)
		if err := out.Flush(); err != nil {
			return fmt.Errorf("draw %s: %w", name, err)
		}
		return nil
	}}
}

// A picture is a circle of transactions with arrows.
type picture struct {
	told   told
	steps  []step
	story  *story
	radius float64
	lines  []string
	at     map[int32][2]float64
}

func newPicture(t told, f finding) *picture {
	p := &picture{told: t, steps: f.steps, story: newStory(t.part, f.steps)}
	p.lines = append(p.lines, t.anomaly+": "+p.story.loop(f.steps))
	for _, says := range p.story.tell(f.steps) {
		p.lines = append(p.lines, wrap(says)...)
	}
	n := min(len(p.story.order), drawn)
	p.radius = max(90, float64(n)*float64(boxWidth)/math.Pi)
	p.at = make(map[int32][2]float64, n)
	for i, t := range p.story.order[:n] {
		angle := 2*math.Pi*float64(i)/float64(n) - math.Pi/2
		p.at[t] = [2]float64{p.centre() + p.radius*math.Cos(angle), p.centre() + p.radius*math.Sin(angle)}
	}
	return p
}

// centre is where the middle of the circle is, from the left and from above.
func (p *picture) centre() float64 {
	return p.radius + boxWidth
}

func (p *picture) draw(w io.Writer) {
	top := int(2 * p.centre())
	width := max(top, 1100)
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="13">`+"\n",
		width, top+lineHeight*(len(p.lines)+2))
	fmt.Fprintln(w, `<rect width="100%" height="100%" fill="white"/>`)
	for _, kind := range []uint8{ww, wr, rw, process, realtime} {
		fmt.Fprintf(w, `<marker id="%s" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L10 5L0 10z" fill="%s"/></marker>`+"\n",
			kindName(kind), colour(kind))
	}
	for i, st := range p.steps {
		p.arrow(w, i, st)
	}
	for _, t := range p.story.order[:len(p.at)] {
		x, y := p.at[t][0], p.at[t][1]
		fmt.Fprintf(w, `<g><title>%s</title><rect x="%.0f" y="%.0f" width="%d" height="%d" rx="6" fill="%s" stroke="#333"/><text x="%.0f" y="%.0f" text-anchor="middle">%s</text></g>`+"\n",
			html.EscapeString(p.told.part.db.is(t)), x-boxWidth/2, y-boxHeight/2, boxWidth, boxHeight, p.fill(t), x, y+5, p.story.names[t])
	}
	for i, line := range p.lines {
		fmt.Fprintf(w, `<text x="16" y="%d">%s</text>`+"\n", top+lineHeight*(i+1), html.EscapeString(line))
	}
	fmt.Fprintln(w, "</svg>")
}

// fill is blue for a transaction that is known to be committed, and amber for
// one of unknown outcome.
func (p *picture) fill(t int32) string {
	if p.told.part.db.txns[t].done == never {
		return "#ffe2a8"
	}
	return "#d7e8fb"
}

// arrow draws a step as a curve, bent outwards so that there and back differ.
func (p *picture) arrow(w io.Writer, i int, st step) {
	a, okA := p.at[st.from]
	b, okB := p.at[st.to]
	if !okA || !okB {
		return
	}
	dx, dy := b[0]-a[0], b[1]-a[1]
	length := math.Hypot(dx, dy)
	if length == 0 {
		return
	}
	bend := 0.18
	mx, my := (a[0]+b[0])/2+dy*bend, (a[1]+b[1])/2-dx*bend
	ex, ey := edgeOfBox(b, mx, my)
	fmt.Fprintf(w, `<g><title>%s</title><path d="M%.1f %.1fQ%.1f %.1f %.1f %.1f" fill="none" stroke="%s" stroke-width="2" marker-end="url(#%s)"/>`,
		html.EscapeString(p.story.because(st)), a[0], a[1], mx, my, ex, ey, colour(st.kind), kindName(st.kind))
	fmt.Fprintf(w, `<text x="%.1f" y="%.1f" fill="%s" text-anchor="middle">%s</text></g>`+"\n",
		mx, my, colour(st.kind), html.EscapeString(p.label(i, st)))
}

func (p *picture) label(i int, st step) string {
	if st.kind == process || st.kind == realtime {
		return kindName(st.kind)
	}
	return kindName(st.kind) + " " + p.told.part.db.key(st.key)
}

// edgeOfBox returns where a line from (x, y) to the middle of a box meets it.
func edgeOfBox(box [2]float64, x, y float64) (float64, float64) {
	dx, dy := x-box[0], y-box[1]
	scale := math.Inf(1)
	if dx != 0 {
		scale = min(scale, boxWidth/2/math.Abs(dx))
	}
	if dy != 0 {
		scale = min(scale, boxHeight/2/math.Abs(dy))
	}
	scale = min(scale, 1)
	return box[0] + dx*scale, box[1] + dy*scale
}

func colour(kind uint8) string {
	switch kind {
	case ww:
		return "#b23a00"
	case wr:
		return "#a0007a"
	case rw:
		return "#4a1fb8"
	case process:
		return "#007f80"
	}
	return "#0a56a8"
}

// wrap breaks a sentence into lines.
func wrap(says string) []string {
	var lines []string
	runes := []rune(says)
	for len(runes) > wide {
		cut := wide
		for cut > 0 && runes[cut] != ' ' {
			cut--
		}
		if cut == 0 {
			cut = wide
		}
		lines = append(lines, string(runes[:cut]))
		runes = append([]rune("   "), runes[cut:]...)
	}
	return append(lines, string(runes))
}
