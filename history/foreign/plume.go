package foreign

import (
	"bytes"
	"fmt"
	"io"
	"strconv"

	"github.com/shakedown-dev/shakedown/history"
)

// ReadPlume reads the text format of Plume, PolySI and IsoVista: a read or
// write a line, with its session and transaction.
//
//	w(key,value,session,transaction)
//	r(key,value,session,transaction)
//
// The process is the session; see [ledger.history] for transactions. Lines with
// the same session and transaction belong together wherever they stand, except
// those of transaction -1: it means aborted, and neighbours alone make one.
// The value 0 is the initial one, null, of keys to which nobody writes a 0. The
// history is [history.History.SessionOnly].
func ReadPlume(r io.Reader) (*history.History, error) {
	l := newLedger()
	type id struct{ session, transaction int64 }
	known := make(map[id]int)
	last := id{-1, -1}
	err := lines(r, Plume, func(line []byte, _ int) error {
		p, err := parsePlume(line)
		if err != nil {
			return err
		}
		this := id{p.session, p.transaction}
		aborted := this.transaction == -1
		at, ok := known[this]
		if !ok || aborted && this != last {
			at = l.begin(int(this.session), aborted)
			known[this] = at
		}
		last = this
		l.add(at, p.micro)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return l.history(true)
}

// A plumeLine is a read or write with where it belongs.
type plumeLine struct {
	micro
	session, transaction int64
}

func parsePlume(line []byte) (p plumeLine, err error) {
	fields := bytes.Split(line[min(2, len(line)):], []byte(","))
	if len(fields) != 4 || line[0] != 'r' && line[0] != 'w' || line[1] != '(' || line[len(line)-1] != ')' {
		return p, fmt.Errorf("%.60q is neither r(KEY,VALUE,SESSION,TRANSACTION) nor w(…)", line)
	}
	fields[3] = bytes.TrimSuffix(fields[3], []byte(")"))
	for i := range fields {
		fields[i] = bytes.TrimSpace(fields[i])
	}
	p.write = line[0] == 'w'
	if p.key, err = parseNumber(fields[0]); err != nil {
		return p, fmt.Errorf("the key: %w", err)
	}
	if p.value, err = parseNumber(fields[1]); err != nil {
		return p, fmt.Errorf("the value: %w", err)
	}
	const maxSession = 1 << 60
	if p.session, err = strconv.ParseInt(string(fields[2]), 10, 64); err != nil || p.session < 0 || p.session > maxSession {
		return p, fmt.Errorf("there is no session %.40q", fields[2])
	}
	if p.transaction, err = strconv.ParseInt(string(fields[3]), 10, 64); err != nil || p.transaction < -1 {
		return p, fmt.Errorf("there is no transaction %.40q", fields[3])
	}
	return p, nil
}
