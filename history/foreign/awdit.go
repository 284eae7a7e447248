package foreign

import (
	"bytes"
	"fmt"
	"io"

	"github.com/shakedown-dev/shakedown/history"
)

// ReadAWDIT reads AWDIT's format for tests: a read or write a line, a line of
// dashes between the transactions of a session, a line of equals signs between
// sessions.
//
//	w 0 1
//	r 3 0
//	-----
//	r 3 2
//	=====
//	w 3 2
//
// Session i, from 0, is process i; see [ledger.history] for transactions. All
// are committed. A value is one that some transaction writes: there is no
// implicit initial state. The history is [history.History.SessionOnly].
func ReadAWDIT(r io.Reader) (*history.History, error) {
	l := newLedger()
	session, at := 0, -1
	used := false // the session has a transaction
	err := lines(r, AWDIT, func(line []byte, _ int) error {
		switch {
		case len(bytes.Trim(line, "-")) == 0:
			at = -1
			return nil
		case len(bytes.Trim(line, "=")) == 0:
			if used {
				session++
			}
			at, used = -1, false
			return nil
		}
		m, err := parseAWDIT(line)
		if err != nil {
			return err
		}
		if at < 0 {
			at, used = l.begin(session, false), true
		}
		l.add(at, m)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return l.history(false)
}

func parseAWDIT(line []byte) (micro, error) {
	words := bytes.Fields(line)
	if len(words) != 3 || string(words[0]) != "r" && string(words[0]) != "w" {
		return micro{}, fmt.Errorf("%.60q is neither r KEY VALUE nor w KEY VALUE", line)
	}
	key, err := parseNumber(words[1])
	if err != nil {
		return micro{}, fmt.Errorf("the key: %w", err)
	}
	value, err := parseNumber(words[2])
	if err != nil {
		return micro{}, fmt.Errorf("the value: %w", err)
	}
	return micro{words[0][0] == 'w', key, value}, nil
}
