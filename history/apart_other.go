//go:build !linux

package history

import "errors"

// A mapping is a file that stands for memory, of which there is none here.
type mapping struct{ all []byte }

// mapNameless is not for this system, where writing to a mapped file could end
// the program when the disk is full.
func mapNameless(string, int) (*mapping, error) { return nil, errors.ErrUnsupported }

func (*mapping) reserve(int, int) error { return errors.ErrUnsupported }
func (*mapping) close() error           { return nil }
func (*mapping) drop() error            { return nil }
