package report

import (
	"fmt"
	"math"
	"slices"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// The measures of the picture of a cycle.
const (
	cycleBox    = 64  // width of a transaction
	cycleBoxH   = 34  // and its height
	cycleMargin = 70  // round the circle, for the labels
	cycleBend   = 0.2 // how far an edge swings out, as a share of its length
	maxEdges    = 16  // edges that are drawn and told
)

// A cycle is a way round in what must be an order, edge by edge.
type cycle struct {
	Width, Height int
	Members       []member
	Edges         []cycleEdge
	More          int // edges that are left out
}

// A member is a transaction of a cycle.
type member struct {
	Name, What, Who string
	Index           int // its invocation
	Word            string
	X, Y            float64
	BoxX, BoxY      float64
}

// A cycleEdge says that one transaction precedes another, and why.
type cycleEdge struct {
	From, To, Kind, Key string
	Means               string // what the kind says, in words
	Says                []piece
	Proof               []piece // the events that prove it
	Path, Head          string
	LabelX, LabelY      float64
	Anchor, Label       string
}

// placeLabel puts the label beside the middle of the edge, outwards.
func (e *cycleEdge) placeLabel(x, y, outX, outY float64) {
	length := max(math.Hypot(outX, outY), 1)
	outX, outY = outX/length, outY/length
	e.LabelX, e.LabelY, e.Anchor = x+8*outX, y+12*outY, "middle"
	switch {
	case outX > 0.4:
		e.Anchor = "start"
	case outX < -0.4:
		e.Anchor = "end"
	}
}

// newCycle lays a cycle out on a circle; nil if there is none.
func (f *facts) newCycle(edges []checkers.Edge) *cycle {
	if len(edges) == 0 {
		return nil
	}
	shown := edges[:min(len(edges), maxEdges)]
	c := &cycle{More: len(edges) - len(shown)}
	for _, e := range shown {
		c.Members = append(c.Members, f.member(e.From, e.FromEvent))
	}
	if last := shown[len(shown)-1]; c.More > 0 {
		c.Members = append(c.Members, f.member(last.To, last.ToEvent))
	}
	radius := max(80, float64(len(c.Members))*float64(cycleBox)*1.25/math.Pi)
	c.Width, c.Height = int(2*radius)+2*cycleMargin+cycleBox, int(2*radius)+2*cycleMargin
	for i := range c.Members {
		angle := 2*math.Pi*float64(i)/float64(len(c.Members)) - math.Pi/2
		m := &c.Members[i]
		m.X, m.Y = float64(c.Width)/2+radius*math.Cos(angle), float64(c.Height)/2+radius*math.Sin(angle)
		m.BoxX, m.BoxY = m.X-cycleBox/2, m.Y-cycleBoxH/2
	}
	for i, e := range shown {
		c.Edges = append(c.Edges, f.cycleEdge(e, c.Members[i], c.Members[(i+1)%len(c.Members)]))
	}
	return c
}

func (f *facts) member(name string, event int) member {
	m := member{Name: name, Index: event, Word: "unknown"}
	if found := f.operationsOf([]int{event}); len(found) > 0 {
		o := found[0]
		m.What, m.Word = deed(o), word(o.Type())
		m.Who = fmt.Sprintf("process %d", o.Invoke.Process)
		if o.Invoke.Node != "" {
			m.Who += " on " + clip(o.Invoke.Node, maxName)
		}
	}
	return m
}

func (f *facts) cycleEdge(e checkers.Edge, from, to member) cycleEdge {
	out := cycleEdge{From: e.From, To: e.To, Kind: e.Kind, Key: clip(e.Key, 40), Means: meaning(e.Kind), Says: pieces(e.Says), Label: e.Kind}
	if out.Key != "" {
		out.Label += " " + out.Key
	}
	for i, o := range f.operationsOf(e.Events) {
		if i > 0 {
			out.Proof = append(out.Proof, piece{" ", -1})
		}
		out.Proof = append(out.Proof, proofOf(o)...)
	}
	dx, dy := to.X-from.X, to.Y-from.Y
	// Every edge swings out to the same side, so that there and back differ.
	mx, my := (from.X+to.X)/2+dy*cycleBend, (from.Y+to.Y)/2-dx*cycleBend
	ax, ay := rim(from, mx, my)
	bx, by := rim(to, mx, my)
	out.Path = fmt.Sprintf("M%.1f %.1fQ%.1f %.1f %.1f %.1f", ax, ay, mx, my, bx, by)
	out.Head = tip(mx, my, bx, by)
	out.placeLabel((ax+bx)/4+mx/2, (ay+by)/4+my/2, dy, -dx)
	return out
}

// proofOf are the events of an operation as links: "#812–#815".
func proofOf(o history.Operation) []piece {
	p := []piece{{fmt.Sprintf("#%d", o.Invoke.Index), o.Invoke.Index}}
	if o.Complete != nil {
		p = append(p, piece{"\u2060–\u2060", -1}, piece{fmt.Sprintf("#%d", o.Complete.Index), o.Complete.Index})
	}
	return p
}

// rim is where the line from the middle of a box to (x, y) leaves it.
func rim(m member, x, y float64) (float64, float64) {
	dx, dy := x-m.X, y-m.Y
	share := 1.0
	if dx != 0 {
		share = min(share, (cycleBox/2+3)/math.Abs(dx))
	}
	if dy != 0 {
		share = min(share, (cycleBoxH/2+3)/math.Abs(dy))
	}
	return m.X + dx*share, m.Y + dy*share
}

// tip are the points of the head of an arrow that comes from (x1, y1).
func tip(x1, y1, x2, y2 float64) string {
	length := max(math.Hypot(x2-x1, y2-y1), 1)
	dx, dy := (x2-x1)/length, (y2-y1)/length
	bx, by := x2-10*dx, y2-10*dy
	return fmt.Sprintf("%.1f,%.1f %.1f,%.1f %.1f,%.1f", x2, y2, bx-4.5*dy, by+4.5*dx, bx+4.5*dy, by-4.5*dx)
}

// meaning says in words what an edge is made of.
func meaning(kind string) string {
	meanings := []struct{ kind, says string }{
		{"ww", "its write was replaced or followed by the other's"},
		{"wr", "the other read what it wrote"},
		{"rw", "it read a state without what the other wrote"},
		{"process", "the same client did one after the other"},
		{"realtime", "it was over before the other began"},
	}
	if i := slices.IndexFunc(meanings, func(m struct{ kind, says string }) bool { return m.kind == kind }); i >= 0 {
		return meanings[i].says
	}
	return ""
}
