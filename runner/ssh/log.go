package ssh

import (
	"fmt"
	"strings"
)

// A log is one log of a node: a file of the host, or what its journal has of a
// unit since the end that is noted in a file.
type log struct {
	name string // under which it is kept
	file string
	// journal is the command that prints it; empty: it is a file.
	journal, cursor string
}

// lastLines and lastBytes print the end of the log.
func (l log) lastLines(n int) string { return l.end(fmt.Sprintf("tail -n %d", n)) }
func (l log) lastBytes(n int) string { return l.end(fmt.Sprintf("tail -c %d", n)) }

func (l log) end(tail string) string {
	if l.journal == "" {
		return tail + " " + l.file
	}
	return fmt.Sprintf("%s $(sed -n 's/^-- cursor: /--cursor=/p' %s) | %s", l.journal, l.cursor, tail)
}

// followLine prints what all of them log from now on.
func followLine(all []log) string {
	var files, lines []string
	for _, l := range all {
		if l.journal == "" {
			files = append(files, l.file)
		} else {
			lines = append(lines, l.journal+" -n 0 -f")
		}
	}
	if len(files) > 0 {
		lines = append(lines, "tail -q -n 0 -F "+strings.Join(files, " "))
	}
	return strings.Join(lines, " & ")
}
