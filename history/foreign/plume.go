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
		n, err := parsePlume(line)
		if err != nil {
			return err
		}
		this := id{n[2], n[3]}
		aborted := this.transaction == -1
		at, ok := known[this]
		if !ok || aborted && this != last {
			at = l.begin(int(this.session), aborted)
			known[this] = at
		}
		last = this
		l.add(at, micro{line[0] == 'w', n[0], n[1]})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return l.history(true)
}

// parsePlume returns key, value, session and transaction.
func parsePlume(line []byte) (n [4]int64, err error) {
	fields := bytes.Split(line[min(2, len(line)):], []byte(","))
	if len(fields) != 4 || line[0] != 'r' && line[0] != 'w' || line[1] != '(' || line[len(line)-1] != ')' {
		return n, fmt.Errorf("%.60q is neither r(KEY,VALUE,SESSION,TRANSACTION) nor w(…)", line)
	}
	fields[3] = bytes.TrimSuffix(fields[3], []byte(")"))
	for i, field := range fields {
		if n[i], err = strconv.ParseInt(string(bytes.TrimSpace(field)), 10, 64); err != nil {
			return n, fmt.Errorf("number %d: %w", i+1, err)
		}
	}
	const maxSession = 1 << 60
	if n[2] < 0 || n[2] > maxSession || n[3] < -1 {
		return n, fmt.Errorf("there is no session %d, transaction %d", n[2], n[3])
	}
	return n, nil
}
