package edn

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/shakedown-dev/shakedown/history"
)

// ReadLog reads the lines that Jepsen logs while it runs, and its history.txt:
// process, type, f, value and, if there is one, the error.
//
//	INFO  jepsen.util - 0	:invoke	:write	3
//	INFO  jepsen.util - 0	:info	:write	:timed-out
//
// What stands before the process does not matter. Other messages of the log
// are passed over; a file without any event is an error. Logged lines have no
// time. Older Jepsens put the reason into the value's place: a name there, in
// an event of type :fail or :info, is taken for the error.
func ReadLog(r io.Reader, o Options) (*history.History, error) {
	lines := bufio.NewReaderSize(r, window)
	events := newEvents(newReader(&scanner{err: io.EOF}), sizeOf(r))
	for number := 1; ; number++ {
		line, err := readLine(lines)
		if err == io.EOF && len(line) == 0 {
			break
		}
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("read Jepsen's log: line %d: %w", number, err)
		}
		if err := events.logged(line, number); err != nil {
			return nil, fmt.Errorf("read Jepsen's log: line %d: %w", number, err)
		}
	}
	if len(events.ops) == 0 {
		return nil, errors.New("read Jepsen's log: no line holds an event (process, :invoke, f, value)")
	}
	h, err := events.history(o)
	if err != nil {
		return nil, fmt.Errorf("read Jepsen's log: %w", err)
	}
	return h, nil
}

// readLine returns the next line, with io.EOF if it is the last and empty.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	long := bytes.Clone(line)
	for errors.Is(err, bufio.ErrBufferFull) && len(long) <= maxToken {
		line, err = r.ReadSlice('\n')
		long = append(long, line...)
	}
	return long, err
}

// logged reads a line, if it is that of an event.
func (e *events) logged(line []byte, number int) error {
	process, typ, rest, ok := findEvent(line)
	if !ok {
		return nil
	}
	e.buf, e.at, e.line = rest, 0, number
	op := history.Op{Index: history.NoIndex, Time: history.NoTime, Type: typ, Process: history.Nemesis}
	if isDigit(process[0]) {
		var err error
		if op.Process, err = processNumber(process); err != nil {
			return err
		}
	}
	if err := e.columns(&op); err != nil {
		return err
	}
	e.add(op, number)
	return nil
}

// findEvent returns the process and the type that stand side by side in the
// line, and what follows.
func findEvent(line []byte) (process []byte, typ history.Type, rest []byte, ok bool) {
	var before []byte
	for rest = line; ; {
		rest = bytes.TrimLeft(rest, " \t\r\n")
		end := bytes.IndexAny(rest, " \t\r\n")
		if end < 0 {
			return nil, 0, nil, false
		}
		word := rest[:end]
		if word[0] == ':' && len(before) > 0 && (before[0] == ':' || isDigit(before[0])) &&
			typ.UnmarshalText(word[1:]) == nil {
			return before, typ, rest[end:], true
		}
		before, rest = word, rest[end:]
	}
}

// columns reads f, value and error.
func (e *events) columns(op *history.Op) error {
	var err error
	if op.F, err = e.string(); err != nil {
		return fmt.Errorf("the column f: %w", unexpected(err))
	}
	c, err := e.next(0)
	if err == nil {
		e.scratch, err = e.value(e.scratch[:0], 1)
	}
	if err != nil {
		return fmt.Errorf("the column value: %w", unexpected(err))
	}
	if c == ':' && op.Process != history.Nemesis && (op.Type == history.Fail || op.Type == history.Info) {
		op.Error, err = e.intern(e.scratch)
		return err
	}
	op.Value = e.keep(e.scratch)
	if _, err := e.next(0); err != nil {
		return nil // there are only three columns
	}
	if op.Error, err = e.string(); err != nil {
		return fmt.Errorf("the column error: %w", unexpected(err))
	}
	return nil
}
