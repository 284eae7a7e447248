package nemesis

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// A Journal remembers what must be undone, for whoever comes after a program
// that was killed. A record is on disk when the method returns.
type Journal interface {
	// Will is told before a fault is injected.
	Will(u Undo) error
	// Undone is told when the fault was seen to be gone, or [Everything] was.
	Undone(id string) error
}

// Everything stands for all faults in a [Journal].
const Everything = "*"

// An Undo is a fault that is about to be injected, and the way back from it.
type Undo struct {
	ID    string   `json:"id"`
	Fault string   `json:"fault"`
	Nodes []string `json:"nodes,omitempty"`
	// How says for a reader how it is undone.
	How string `json:"how"`
	// Injection is the whole of it, with the nodes that it was resolved to.
	Injection Injection `json:"injection"`
}

// undo is how an injection, resolved, is undone.
func undo(k kind, in Injection, all []string) Undo {
	nodes := hurt(in, all)
	how := map[Class]string{
		ClassLinks:     "lift the rules between " + strings.Join(nodes, " ") + "; they end by themselves when nobody renews them",
		ClassProcess:   "let every process of " + strings.Join(nodes, " ") + " run, and start what is down",
		ClassClock:     "show " + strings.Join(nodes, " ") + " the right time",
		ClassDisk:      "let calls on the files of " + strings.Join(nodes, " ") + " through, and start what has died of it",
		ClassResources: "give " + strings.Join(nodes, " ") + " what it had before, and start what has died of it",
		ClassSystem:    "bring " + strings.Join(nodes, " ") + " back into the system as it was",
		ClassCustom:    "run the heal that the scenario gives",
	}[k.class(in)]
	return Undo{ID: in.ID, Fault: in.Fault, Nodes: nodes, How: how, Injection: in}
}

// noJournal is for who keeps none.
type noJournal struct{}

func (noJournal) Will(Undo) error     { return nil }
func (noJournal) Undone(string) error { return nil }

// noteEarly is how long before its moment a fault of which all is known is
// noted, so that it need not wait for the disk.
const noteEarly = 500 * time.Millisecond

// noteAhead notes how to undo an injection some time before its moment, if it
// is known by then whom it hits, and tells whether it has.
func (c *campaign) noteAhead(ctx context.Context, in Injection) (noted bool, err error) {
	k, ok := kindOf(in.Fault)
	_, same := SameAs(in.Target)
	unknown := in.Trigger != nil || len(in.Nodes) == 0 && (same || IsRole(in.Target))
	if !ok || unknown || !pauseFor(ctx, in.At-noteEarly-c.Since()) {
		return false, nil
	}
	return true, c.willDo(k, in)
}

// willDo notes how to undo what is about to be done.
func (c *campaign) willDo(k kind, in Injection) error {
	if err := c.Journal.Will(undo(k, in, c.Cluster.Nodes())); err != nil {
		return fmt.Errorf("note how to undo %s, before it is done: %w", in.ID, err)
	}
	return nil
}
