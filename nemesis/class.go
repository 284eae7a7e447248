package nemesis

import (
	"fmt"
	"strings"
)

// A Class says what of a node a fault takes hold of.
type Class string

// The classes of faults.
const (
	ClassLinks     Class = "links"     // the packets between nodes
	ClassProcess   Class = "process"   // whether the node's processes run
	ClassClock     Class = "clock"     // what its processes take for the time
	ClassDisk      Class = "disk"      // what calls on its files do
	ClassResources Class = "resources" // how much of the machine its processes get
	ClassSystem    Class = "system"    // whether the node belongs to the system, and which program it runs
	ClassCustom    Class = "custom"    // whatever a command does
)

// always is the class of faults that have the same one whatever their options.
func always(c Class) func(Injection) Class { return func(Injection) Class { return c } }

// ClassOf is the class of an injection; empty if there is no such fault.
func ClassOf(in Injection) Class {
	k, ok := kindOf(in.Fault)
	if !ok {
		return ""
	}
	return k.class(in)
}

// A Meeting is what is thought of two faults on one node at a time.
type Meeting int

// What is thought of a meeting.
const (
	// MeetFreely means that neither minds the other.
	MeetFreely Meeting = iota
	// MeetIfAsked means that both do what they should, but that the one makes
	// it harder to see the other: they meet where a scenario says so, and
	// random draws keep them apart where there is room.
	MeetIfAsked
	// MeetNever means that the one would undo the other or keep it from taking
	// hold: a plan in which they meet is refused.
	MeetNever
)

// A Rule is what is thought of two classes on one node, and why.
type Rule struct {
	A, B Class
	Meet Meeting
	Why  string
}

// Rules is the conflict matrix: all pairs of classes that do not meet freely.
func Rules() []Rule {
	return []Rule{
		{ClassProcess, ClassProcess, MeetNever, "a node that is down cannot be paused, and the heal of the one would start what the other has stopped"},
		{ClassProcess, ClassClock, MeetIfAsked, "a clock that is set while the node is frozen or down takes hold only once it runs"},
		{ClassProcess, ClassDisk, MeetNever, "a node that stands still makes no calls that could fail, and the heal of a disk starts a node that is down"},
		{ClassProcess, ClassResources, MeetNever, "a node that stands still uses nothing that could be short, and one that died for want of it is started by the heal"},
		{ClassProcess, ClassSystem, MeetNever, "a node cannot be replaced or told to leave while it stands still"},
		{ClassProcess, ClassCustom, MeetIfAsked, "a command cannot run on a node that stands still"},
		{ClassClock, ClassClock, MeetNever, "a node has one clock, and the one fault would hide the other"},
		{ClassClock, ClassSystem, MeetIfAsked, "a node that is replaced begins with the right time and gets the wrong one a moment later"},
		{ClassDisk, ClassResources, MeetNever, "both start a node that died of them, each at its own heal"},
		{ClassDisk, ClassSystem, MeetNever, "a node cannot be replaced while calls on its files fail"},
		{ClassResources, ClassResources, MeetNever, "the heal of the one would lift or restore the limit of the other"},
		{ClassResources, ClassSystem, MeetNever, "a node that is replaced has its own limits again"},
		{ClassSystem, ClassSystem, MeetNever, "a node is replaced, added or removed one at a time"},
	}
}

// RuleFor is the rule for two classes in either order.
func RuleFor(a, b Class) Rule {
	for _, r := range Rules() {
		if r.A == a && r.B == b || r.A == b && r.B == a {
			return r
		}
	}
	return Rule{A: a, B: b, Meet: MeetFreely}
}

// classWords says of each class what it takes hold of.
func classWords() [][2]string {
	return [][2]string{
		{string(ClassLinks), "the packets between nodes"},
		{string(ClassProcess), "whether the node's processes run"},
		{string(ClassClock), "what its processes take for the time"},
		{string(ClassDisk), "what calls on its files do"},
		{string(ClassResources), "how much of the machine they get"},
		{string(ClassSystem), "which program the node runs, and whether it is a member"},
		{string(ClassCustom), "whatever a command does"},
	}
}

// ExplainMeetings is the conflict matrix for a reader, without a final newline.
func ExplainMeetings() string {
	var b strings.Builder
	b.WriteString("Faults overlap as their times say. What may meet on one node at a time depends on their classes:\n\n")
	for _, c := range classWords() {
		fmt.Fprintf(&b, "  %-10s %s\n", c[0], c[1])
	}
	for _, part := range []struct {
		meet  Meeting
		title string
	}{
		{MeetNever, "Never; a plan in which they meet is refused:"},
		{MeetIfAsked, "Where the scenario asks for it; random targets keep apart while there is room:"},
	} {
		fmt.Fprintf(&b, "\n%s\n\n", part.title)
		for _, r := range Rules() {
			if r.Meet == part.meet {
				fmt.Fprintf(&b, "  %-21s %s\n", string(r.A)+" + "+string(r.B), r.Why)
			}
		}
	}
	b.WriteString("\nEverything else meets freely; links meet all.")
	return b.String()
}
