// Package edn reads the histories of Jepsen, Elle and Knossos, and writes ours
// so that they can read them.
//
// A history in EDN is a map for each event, one after the other or all in one
// vector or list:
//
//	{:index 0, :time 31076248, :type :invoke, :process 3, :f :read, :value nil}
//
// :type is one of :invoke, :ok, :fail, :info. :process is a number, or a
// name: that of the nemesis, or of a client. :f, :value, :time (nanoseconds), :index,
// :error, and our own :key, :node and :final may be left out; other fields are
// passed over. A record (#jepsen.history.Op{…}) is its map. What such a history
// lacks, [history.Mend] gives it.
//
// Values become JSON:
//
//   - nil is null; true, false, integers and floats are themselves, without
//     the suffixes N and M;
//   - strings, characters, keywords (:append, without the colon; :a/b is "a/b"),
//     symbols, ratios ("1/3") and ##NaN, ##Inf are strings: [:append 5 1] is
//     ["append",5,1];
//   - vectors, lists and sets are arrays, in the order of the source;
//   - maps are objects; the name of a key that is a keyword, string or symbol
//     is its text, that of another its JSON text: {0 100} is {"0":100}; keys
//     that would get the same name are an error;
//   - a tagged form (#inst "…") is the form; metadata, comments and #_ forms
//     are dropped.
//
// Memory is that of the events: no tree of the source is made.
package edn

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/shakedown-dev/shakedown/history"
)

// Options are how a history is to be understood.
type Options struct {
	// Tuples says what values of the form [k v] are.
	Tuples Tuples
}

// Read reads a history in EDN. An error names the line.
func Read(r io.Reader, o Options) (*history.History, error) {
	events := newEvents(newReader(newScanner(r)), sizeOf(r))
	if err := events.readAll(); err != nil {
		return nil, fmt.Errorf("read EDN: line %d: %w", events.line, err)
	}
	h, err := events.history(o)
	if err != nil {
		return nil, fmt.Errorf("read EDN: %w", err)
	}
	return h, nil
}

// sizeOf returns how much there is to read, 0 if r cannot tell.
func sizeOf(r io.Reader) int64 {
	switch r := r.(type) {
	case interface{ Len() int }:
		return int64(r.Len())
	case interface{ Stat() (fs.FileInfo, error) }:
		if info, err := r.Stat(); err == nil {
			return info.Size()
		}
	}
	return 0
}

// events are what has been read of a history, with the line of each.
type events struct {
	*reader
	size  int64
	ops   []history.Op
	lines []int32
}

func newEvents(r *reader, size int64) *events {
	return &events{reader: r, size: size}
}

func (e *events) add(op history.Op, line int) {
	const sampled = 256
	e.ops, e.lines = append(e.ops, op), append(e.lines, int32(min(line, 1<<31-1)))
	if len(e.ops) == sampled && e.size > 0 {
		// To make room for all at once is worth it: growing copies, and needs
		// twice the memory.
		each := max(1, (e.scanner.read-int64(len(e.buf)-e.at))/sampled)
		expected := int(e.size / each * 9 / 8)
		e.ops, e.lines = slices.Grow(e.ops, expected), slices.Grow(e.lines, expected)
	}
}

// history makes a history of the events.
func (e *events) history(o Options) (*history.History, error) {
	if e.tupled && o.Tuples == DetectTuples {
		o.Tuples = SplitTuples
	}
	o.Tuples.split(e.ops, e.keyed)
	e.settle(e.ops)
	return history.Mend(e.ops, func(i int) int { return int(e.lines[i]) })
}

// readAll reads maps, which may stand in vectors and lists.
func (e *events) readAll() error {
	var open []byte // the brackets that must close what is open
	for {
		c, err := e.next(0)
		if errors.Is(err, io.EOF) && len(open) == 0 {
			return nil
		}
		if err != nil {
			return unexpected(err)
		}
		switch c {
		case '{':
			err = e.one()
		case '[', '(':
			open, err = append(open, closer(c)), depthError(len(open))
			e.at++
		case ']', ')':
			if len(open) == 0 || open[len(open)-1] != c {
				return fmt.Errorf("%q closes nothing", c)
			}
			open = open[:len(open)-1]
			e.at++
		case '#':
			err = e.tag()
		default:
			return fmt.Errorf("%.60q is not the map of an event", e.token())
		}
		if err != nil {
			return err
		}
	}
}

// closer returns the bracket that closes c.
func closer(c byte) byte {
	if c == '[' {
		return ']'
	}
	return ')'
}

func (e *events) one() error {
	line := e.line
	op, err := e.event()
	if err != nil {
		return err
	}
	e.add(op, line)
	return nil
}

// tag passes over the tag of a record or of a vector of events.
func (e *events) tag() error {
	if c, ok := e.after(1); !ok || delimits(c) || c == '#' {
		return errors.New("'#' without a tag")
	}
	e.token()
	if c, err := e.next(0); err != nil || c != '{' && c != '[' && c != '(' {
		return errors.New("a tag that is not that of an event")
	}
	return nil
}
