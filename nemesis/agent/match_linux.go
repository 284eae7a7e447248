package agent

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
)

// A program is what one process of a node runs.
type program struct {
	pid  int
	name string // as it is called by the kernel, or by whoever started it
	line string // the command line
}

func (p program) String() string { return fmt.Sprintf("%s (pid %d)", p.name, p.pid) }

// programOf reads what a process runs; false if it has ended.
func programOf(pid int) (program, bool) {
	comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return program{}, false
	}
	if fields, err := statFields(pid); err != nil || fields[0] == "Z" || fields[0] == "X" {
		return program{}, false
	}
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	p := program{pid: pid, name: strings.TrimSpace(string(comm))}
	arguments := strings.Split(strings.TrimRight(string(line), "\x00"), "\x00")
	p.line = strings.Join(arguments, " ")
	// The kernel keeps 15 bytes of a name, and a path in front of none.
	if base := path.Base(arguments[0]); strings.HasPrefix(base, p.name) {
		p.name = base
	}
	return p, true
}

// matching finds the processes that a text names: those with that name, or, if
// there are none, those whose command line matches it as a regular expression.
// The empty text names all.
func (n *node) matching(text string) ([]program, error) {
	pids, err := n.processes()
	if err != nil {
		return nil, err
	}
	var all []program
	for _, pid := range pids {
		if p, ok := programOf(pid); ok {
			all = append(all, p)
		}
	}
	return choose(all, text)
}

func choose(all []program, text string) ([]program, error) {
	if text == "" {
		return all, nil
	}
	pick := func(is func(program) bool) []program {
		return slices.DeleteFunc(slices.Clone(all), func(p program) bool { return !is(p) })
	}
	if named := pick(func(p program) bool { return p.name == text }); len(named) > 0 {
		return named, nil
	}
	expression, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("no process is called %q, nor is that a regular expression: %w", text, err)
	}
	return pick(func(p program) bool { return expression.MatchString(p.line) }), nil
}

// open opens the processes that a text names, the main process if it is empty.
// It is an error if there are none.
func (n *node) open(text string) ([]*process, []program, error) {
	if text == "" {
		p, _ := programOf(n.main.pid)
		p.pid = n.main.pid
		main, err := openProcess(n.main.pid)
		return []*process{main}, []program{p}, err
	}
	programs, err := n.matching(text)
	if err != nil {
		return nil, nil, err
	}
	var opened []*process
	var kept []program
	for _, p := range programs {
		if one, err := openProcess(p.pid); err == nil { // Else it has just ended.
			opened, kept = append(opened, one), append(kept, p)
		}
	}
	if len(opened) == 0 {
		return nil, nil, fmt.Errorf("%s runs no process %q; it runs %s", n.name, text, n.runsWhat())
	}
	return opened, kept, nil
}

// runsWhat names a node's programs, for an error.
func (n *node) runsWhat() string {
	all, err := n.matching("")
	if err != nil || len(all) == 0 {
		return "nothing"
	}
	return sayPrograms(all)
}

// sayPrograms names a few of them.
func sayPrograms(all []program) string {
	const most = 5
	var names []string
	for _, p := range all[:min(len(all), most)] {
		names = append(names, p.String())
	}
	text := strings.Join(names, ", ")
	if more := len(all) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
