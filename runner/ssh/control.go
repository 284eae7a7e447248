package ssh

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A Control says how the node of a host is started and stopped: by Unit, by
// Start, Stop and Pid, or else by Command.
type Control struct {
	// Command is what the node runs, without a shell, as the user who logs
	// in, in a session of its own.
	Command []string
	// Env are environment variables for Command.
	Env map[string]string
	// Binary is put on the host, and run in place of Command's first word;
	// nil: the host has that program.
	Binary []byte
	// Unit is a unit of systemd, which is started and stopped as root.
	Unit string
	// Start and Stop are commands for the host's shell; Pid is one that prints
	// the pid of the node's main process, and nothing while it is down.
	Start, Stop, Pid string
	// Prepare is a command for the host's shell that is run once, before the
	// node is started for the first time; empty for none.
	Prepare string
	// Logs are files on the host that belong to the node's log.
	Logs []string
	// Fill replaces the placeholders in a text for the i-th node, whose data
	// is at data; nil leaves it as it is.
	Fill func(i int, data, text string) string
}

// runsDir is where runs keep what is theirs, below the home of the user who
// logs in.
const runsDir = ".cache/shakedown/runs"

// dir is the node's own directory on its host.
func (m *member) dir() string {
	return path.Join(m.home, runsDir, m.cluster.spec.Run, m.Node)
}

// data is the directory of the node's files: on the agent's file system if
// that may be hurt.
func (m *member) data() string {
	if m.cluster.spec.FaultyDisk {
		return path.Join(m.dir(), "disk", "mount")
	}
	return path.Join(m.dir(), "data")
}

func (m *member) fill(text string) string {
	control := m.cluster.spec.Control
	if control.Fill == nil {
		return text
	}
	return control.Fill(m.index, m.data(), text)
}

// prepare makes the node's directory, puts its program there, runs what is to
// be run first, and takes the unit in hand that there may be only now.
func (c Control) prepare(ctx context.Context, l *link, m *member) error {
	make := fmt.Sprintf("umask 077 && mkdir -p %[1]s/data %[1]s/disk/data", quote(m.dir()))
	if _, err := l.Run(ctx, make, nil); err != nil {
		return err
	}
	if c.Binary != nil {
		put := fmt.Sprintf("umask 077 && cat > %[1]s/program && chmod 700 %[1]s/program", quote(m.dir()))
		if _, err := l.Run(ctx, put, strings.NewReader(string(c.Binary))); err != nil {
			return fmt.Errorf("copy the node's program: %w", err)
		}
	}
	if c.Prepare != "" {
		if _, err := l.Run(ctx, m.fill(c.Prepare), nil); err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
	}
	if c.Unit == "" {
		return nil
	}
	root, err := l.becomeRoot(ctx)
	if err != nil {
		return err
	}
	if _, err := l.Run(ctx, m.unit(root).takeLine(m.dir()), nil); err != nil {
		return fmt.Errorf("take the unit %s in hand: %w", c.Unit, err)
	}
	return nil
}

// startLine, stopLine and pidLine are what the host's shell is given. The
// last prints nothing while the node is down.
func (c Control) startLine(m *member, root string) string {
	started := " && touch " + quote(m.dir()+"/started") // so that clean knows whom to stop
	switch {
	case c.Unit != "":
		return m.unit(root).startLine() + started
	case c.Start != "":
		return "{ " + m.fill(c.Start) + "\n}" + started
	}
	return c.commandLine(m) + started
}

func (c Control) stopLine(m *member, root string) string {
	switch {
	case c.Unit != "":
		return m.unit(root).stopLine()
	case c.Stop != "":
		return m.fill(c.Stop)
	}
	// The node is the leader of a process group: what it started goes, too.
	return fmt.Sprintf("p=$(%s); [ -z \"$p\" ] || kill -KILL -- -\"$p\" || true", c.pidLine(m))
}

func (c Control) pidLine(m *member) string {
	switch {
	case c.Unit != "":
		return m.unit("").pidLine()
	case c.Pid != "":
		return m.fill(c.Pid)
	}
	return pidOf(m.dir())
}

// pidOf prints the pid in a directory's pid file, if that process is the one
// of which the file was written: the time when it was started stands beside it.
func pidOf(dir string) string {
	return fmt.Sprintf(`{ read p t <%s/pid && [ -n "$t" ] && [ "$(%s)" = "$t" ] && echo "$p"; } 2>/dev/null || true`, quote(dir), bornLine(`$p`))
}

// bornLine prints when a process was started, in clock ticks after boot, and
// nothing of one that has ended: a zombie has.
func bornLine(pid string) string {
	return fmt.Sprintf(`sed 's/.*) //; /^Z/d' /proc/%s/stat | cut -d' ' -f20`, pid)
}

// commandLine starts the command in the background, in a session of its own,
// and notes its pid.
func (c Control) commandLine(m *member) string {
	words := slices.Clone(c.Command)
	for i := range words {
		words[i] = quote(m.fill(words[i]))
	}
	if c.Binary != nil {
		words[0] = quote(m.dir() + "/program")
	}
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(c.Env))) {
		words = slices.Insert(words, 0, quote(name+"="+m.fill(c.Env[name])))
	}
	return fmt.Sprintf(`umask 077 && cd %s && { setsid env %s </dev/null >>stdout.log 2>>stderr.log & p=$!; echo "$p $(%s)" >pid; }`,
		quote(m.dir()), strings.Join(words, " "), bornLine(`$p`))
}

// logs are what belongs to the node's log.
func (c Control) logs(m *member, root string) []log {
	var all []log
	switch {
	case c.Unit != "":
		all = append(all, log{name: "stdout.log", journal: m.unit(root).journal(), cursor: quote(m.dir() + "/cursor")})
	case c.Start == "":
		all = append(all, log{name: "stdout.log", file: quote(m.dir() + "/stdout.log")}, log{name: "stderr.log", file: quote(m.dir() + "/stderr.log")})
	}
	for _, f := range c.Logs {
		name := path.Base(f)
		if slices.ContainsFunc(all, func(l log) bool { return l.name == name }) {
			name = strings.ReplaceAll(strings.Trim(f, "/"), "/", "_")
		}
		all = append(all, log{name: name, file: quote(m.fill(f))})
	}
	return all
}

// readPid is what a pidLine printed; 0 for a node that is down.
func readPid(text string) (int, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0, nil
	}
	pid, err := strconv.Atoi(text)
	if err != nil || pid < 1 {
		return 0, fmt.Errorf("%q is not the pid of a node", text)
	}
	return pid, nil
}

// quote makes one word of the shell out of any text.
func quote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
