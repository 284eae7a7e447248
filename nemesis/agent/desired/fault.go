package desired

import (
	"errors"
	"fmt"
)

// ErrNobody means that none of the nodes that a fault is done to runs.
var ErrNobody = errors.New("none of the nodes concerned runs, in a network of its own")

// Faults are what faults want, by their IDs.
type Faults[F any] map[string]F

// Put makes what an ID wants so by settle, which brings the kernel to all that
// is wanted. If that fails, what the ID wanted before is wanted again; the
// kernel may have either. With [ErrNobody] it stays wanted, for when a node runs.
func (f Faults[F]) Put(id string, fault F, settle func() error) error {
	before, was := f[id]
	f[id] = fault
	err := settle()
	if err != nil && !errors.Is(err, ErrNobody) {
		f.restore(id, before, was)
	}
	return err
}

// Drop makes it so that an ID wants nothing any more, as Put does.
func (f Faults[F]) Drop(id string, settle func() error) error {
	before, was := f[id]
	delete(f, id)
	err := settle()
	if err != nil {
		f.restore(id, before, was)
	}
	return err
}

func (f Faults[F]) restore(id string, before F, was bool) {
	delete(f, id)
	if was {
		f[id] = before
	}
}

// A Name is that of tables.
type Name string

// Change gives tables another name; too late if they are in use.
func (n *Name) Change(to string, used bool) error {
	if used && string(*n) != to {
		return fmt.Errorf("the tables %s are in use already", *n)
	}
	*n = Name(to)
	return nil
}
