package nemesis

// A Class says what of a node a fault takes hold of.
type Class string

// The classes of faults.
const (
	ClassLinks   Class = "links"   // the packets between nodes
	ClassProcess Class = "process" // whether the node's processes run
	ClassClock   Class = "clock"   // what its processes take for the time
	ClassDisk    Class = "disk"    // what calls on its files do
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

// MayMeet tells whether two faults may be in force on one node at a time.
// Those of links may meet any; two others keep out of each other's way.
func MayMeet(a, b Class) bool { return a == ClassLinks || b == ClassLinks }
