// Package foreign reads histories that other tools wrote, each in its own
// format, so that ours can judge them.
//
// Start with [ReadAny], which finds out what it has got; [Sniff] is how. Each
// format is read by a function of its own name, whose comment says what of the
// format becomes what of ours. Operations have the same names whatever the
// format calls them:
//
//	register   read, write, cas [old,new]
//	queue      enqueue v, dequeue, peek
//	stack      push v, pop, peek
//	priority   insert v, poll, peek
//	deque      push_front v, push_back v, pop_front, pop_back, peek_front, peek_back
//	set        add, remove, contains: asked [v, answer], answer true or false
//	semaphore  incr, decr: answer true or false
//	txn        [["w",k,v],["r",k,v],…]
//
// What is taken from an empty queue or stack is null.
package foreign

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/history/edn"
)

// A Format is one way to write a history down.
type Format uint8

// The formats. Unknown is what [Sniff] answers when it cannot tell.
const (
	Unknown    Format = iota
	Shakedown         // our own, one JSON event a line
	JepsenEDN         // Jepsen, Elle, Knossos
	JepsenLog         // lines of Jepsen's log, or history.txt
	JepsenJSON        // what elle-cli takes besides EDN
	PorcupineKV
	AWDIT
	Plume
	LiMo
	LeeMathur
	ShakedownEDN // our own, written as Jepsen writes
)

// formats are the names of the formats, in their order.
func formats() []string {
	return []string{"unknown", "shakedown", "jepsen-edn", "jepsen-log", "jepsen-json",
		"porcupine-kv", "awdit", "plume", "limo", "lee-mathur", "shakedown-edn"}
}

// String returns the name by which a user calls the format.
func (f Format) String() string {
	if names := formats(); int(f) < len(names) {
		return names[f]
	}
	return fmt.Sprintf("Format(%d)", uint8(f))
}

// ParseFormat returns the format with the name.
func ParseFormat(name string) (Format, error) {
	for i, known := range formats() {
		if i > 0 && known == name {
			return Format(i), nil
		}
	}
	return Unknown, fmt.Errorf("unknown format %q; there are %s", name, strings.Join(formats()[1:], ", "))
}

// Read reads a history in the format.
func (f Format) Read(r io.Reader) (*history.History, error) {
	switch f {
	case Shakedown:
		return history.Read(r)
	case JepsenEDN, ShakedownEDN:
		return edn.Read(r, edn.Options{})
	case JepsenLog:
		return edn.ReadLog(r, edn.Options{})
	case JepsenJSON:
		return ReadJepsenJSON(r, edn.DetectTuples)
	case PorcupineKV:
		return ReadPorcupineKV(r)
	case AWDIT:
		return ReadAWDIT(r)
	case Plume:
		return ReadPlume(r)
	case LiMo:
		return ReadLiMo(r)
	case LeeMathur:
		return ReadLeeMathur(r)
	}
	return nil, fmt.Errorf("no history, or in a format that is none of %s", strings.Join(formats()[1:], ", "))
}

// sniffed is how much of a file [Recognize] shows to [Sniff].
const sniffed = 1 << 16

// ReadAny reads a history in whatever format it is. hint is the name of the
// file, or that of a format, which is then not doubted; empty if there is none.
func ReadAny(r io.Reader, hint string) (*history.History, Format, error) {
	format, r, err := Recognize(r, hint)
	if err != nil {
		return nil, Unknown, err
	}
	h, err := format.Read(r)
	return h, format, err
}

// Recognize finds out in which format a history is, with a hint as in [ReadAny].
// What is then to be read is in the reader that it returns.
func Recognize(r io.Reader, hint string) (Format, io.Reader, error) {
	if format, err := ParseFormat(hint); err == nil {
		return format, r, nil
	}
	size := int64(0)
	if sized, ok := r.(interface{ Len() int }); ok {
		size = int64(sized.Len())
	}
	all := bufio.NewReaderSize(r, sniffed)
	first, err := all.Peek(sniffed)
	if err != nil && err != io.EOF {
		return Unknown, nil, fmt.Errorf("read history: %w", err)
	}
	return Sniff(first, hint), sizedReader{all, size}, nil
}

// A sizedReader still knows how much there was.
type sizedReader struct {
	io.Reader
	size int64
}

// Len returns how many bytes there are to read, 0 if that is not known.
func (r sizedReader) Len() int { return int(r.size) }

// lines calls do with each line that is not blank, without blanks around it,
// and puts the number of the line before its error.
func lines(r io.Reader, format Format, do func(line []byte, number int) error) error {
	const longest = 64 << 20
	scanner := bufio.NewScanner(r)
	scanner.Buffer(make([]byte, 1<<16), longest)
	number := 0
	for scanner.Scan() {
		number++
		line := bytes.TrimSpace(scanner.Bytes())
		if len(line) == 0 {
			continue
		}
		if err := do(line, number); err != nil {
			return fmt.Errorf("read %v: line %d: %w", format, number, err)
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("read %v: line %d: %w", format, number+1, err)
	}
	return nil
}
