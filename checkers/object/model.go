package object

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/linear"
	"github.com/shakedown-dev/shakedown/history"
)

// A Model is something that a key can be.
type Model struct {
	Name string
	// Says tells in one line which operations it has, with their values.
	Says string
}

// Options are what a model may be told.
type Options struct {
	// TTL is how long a lease lasts, from when it was asked for. Zero: it
	// does not end by itself, unless an acquire says so.
	TTL time.Duration
	// Permits is how many a semaphore has at first.
	Permits int
	// Smallest says that of a priority queue the smallest value comes first.
	Smallest bool
}

// A model knows what operations do to an object.
type model struct {
	Model
	// pick tells what package linear takes the thing for; false if for nothing
	// that it knows. Then step decides.
	pick func(t *thing) (linear.Object, bool)
	// step is the object as a machine whose states are texts, from first on: the
	// states that an operation may lead to. An unknown operation must be possible
	// in every state. nil if it is not given; then there is no picture.
	first string
	step  func(state string, a *act) []string
	// many says that an operation may lead to more than one state.
	many bool
	// read says what an operation does. [errNothing] leaves it out: it says nothing.
	read func(t *thing, a *act) error
	// traces tells what an act leaves behind that bears its name, and what of that
	// kind it saw; nil if acts leave nothing that can be known again. See settle.
	traces func(a *act) (leaves, sees []string)
	// tell says what the object holds in a state: "it held 3 and 5"; nil if that
	// is a sequence of values.
	tell func(t *thing, state string) string
	// sharpen judges a thing that is violated by a stricter model, which names
	// fewer acts; nil if there is none.
	sharpen func(ctx context.Context, t *thing) linear.Result
	// together: all keys of the history are one object.
	together bool
	options  Options
}

// errNothing is for an operation that did nothing that could matter.
var errNothing = errors.New("it says nothing")

// Models returns all models that [New] knows.
func Models() []Model {
	var all []Model
	for _, m := range models(Options{}) {
		all = append(all, m.Model)
	}
	return all
}

func models(o Options) []model {
	return slices.Concat(locks(o), containers(o), collections(), stores())
}

// New makes the checker of a model, one of [Models]; another name is an error.
func New(name string, o Options) (checkers.Checker, error) {
	for _, m := range models(o) {
		if m.Name == name {
			m.options = o
			return checker{model: m}, nil
		}
	}
	return nil, fmt.Errorf("there is no model %q of an object", name)
}

// An act is an operation with what it does to the object.
type act struct {
	op history.Operation
	// lin is the operation as package linear takes it; without a step only.
	lin linear.Op
	// f, arg and out are what the model's step goes by: what was asked, and
	// what was answered; out means nothing if unknown.
	f, arg, out string
	unknown     bool
	// at is where the act is in its thing, and place where it is among others.
	at, place int
}

// asked is the value of the invocation, answer that of the completion.
func (a *act) asked() []byte { return a.op.Invoke.Value }

func (a *act) answer() []byte {
	if a.op.Type() != history.OK {
		return nil
	}
	return a.op.Complete.Value
}

// given is what the operation was about: what was asked, or if that is nothing,
// what was answered.
func (a *act) given() []byte {
	if isNull(a.asked()) {
		return a.answer()
	}
	return a.asked()
}

// always picks one object, whatever the operations.
func always(o linear.Object) func(*thing) (linear.Object, bool) {
	return func(*thing) (linear.Object, bool) { return o, true }
}

// never leaves it to step.
func never(*thing) (linear.Object, bool) { return 0, false }

// does notes what the operation does.
func (a *act) does(kind linear.Kind, value int) error {
	a.lin.Kind, a.lin.Value = kind, value
	return nil
}

// observes is does for operations that only look: without an answer they say nothing.
func (a *act) observes(kind linear.Kind, value int) error {
	if a.unknown {
		return errNothing
	}
	return a.does(kind, value)
}
