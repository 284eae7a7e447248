package history_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// parseTiny reads the notation of the files in testdata, one event a line:
//
//	1ms p0 invoke write x 17
//	2ms p0 ok     write x
//	3ms nemesis partition {"id":"a","stage":"inject"}
//
// The index is the line's number from 0; "@7" at the end of a line sets another.
func parseTiny(input string) ([]history.Op, error) {
	var ops []history.Op
	for i, line := range strings.Split(strings.TrimSpace(input), "\n") {
		op, err := parseTinyLine(line)
		if err != nil {
			return nil, fmt.Errorf("line %q: %w", line, err)
		}
		if op.Index < 0 {
			op.Index = i
		}
		ops = append(ops, op)
	}
	return ops, nil
}

func parseTinyLine(line string) (history.Op, error) {
	words := strings.Fields(line)
	op := history.Op{Index: -1, Type: history.Info}
	if at, ok := strings.CutPrefix(words[len(words)-1], "@"); ok {
		words = words[:len(words)-1]
		index, err := strconv.Atoi(at)
		if err != nil {
			return op, err
		}
		op.Index = index
	}
	at, err := time.ParseDuration(words[0])
	if err != nil {
		return op, err
	}
	op.Time = at
	if words[1] == "nemesis" {
		op.Process, op.F = history.Nemesis, words[2]
		op.Value = json.RawMessage(strings.Join(words[3:], " "))
		return op, nil
	}
	if op.Process, err = strconv.Atoi(strings.TrimPrefix(words[1], "p")); err != nil {
		return op, err
	}
	if err := op.Type.UnmarshalText([]byte(words[2])); err != nil {
		return op, err
	}
	op.F, op.Key = words[3], words[4]
	if len(words) > 5 {
		op.Value = json.RawMessage(words[5])
	}
	return op, nil
}
