package exec

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"
)

const (
	// maxLine bounds an answer.
	maxLine = 1 << 20
	// maxComplaint bounds what is kept of the standard error.
	maxComplaint = 2 << 10
	// endWithin is how long the program may take to end by itself.
	endWithin = time.Second
)

// A process is the program at work.
type process struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	// lines are its answers; closed when there are no more.
	lines chan []byte
	// gone is closed when nobody wants answers any more.
	gone      chan struct{}
	ended     sync.WaitGroup
	complaint *tail
	once      sync.Once
}

// start starts the program in the folder.
func start(argv []string, folder string) (*process, error) {
	if len(argv) == 0 {
		return nil, errors.New("start the client: no program is named")
	}
	p := &process{cmd: exec.Command(argv[0], argv[1:]...), lines: make(chan []byte), gone: make(chan struct{}), complaint: &tail{}}
	p.cmd.Dir, p.cmd.Stderr, p.cmd.WaitDelay = folder, p.complaint, endWithin
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start the client: %w", err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the client: %w", err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the client: %w", err)
	}
	p.stdin = stdin
	p.ended.Go(func() { p.listen(stdout) })
	return p, nil
}

// listen hands on the answers until there are no more, or nobody wants them.
func (p *process) listen(stdout io.Reader) {
	defer close(p.lines)
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		select {
		case p.lines <- append([]byte(nil), lines.Bytes()...):
		case <-p.gone:
			return
		}
	}
}

// tell writes a line to the program.
func (p *process) tell(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write to the client: %w", err)
	}
	if _, err := p.stdin.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("write to the client: %w", err)
	}
	return nil
}

// close ends the program: it is told so by the end of its input, and killed if
// it does not hear.
func (p *process) close() error {
	p.once.Do(func() {
		close(p.gone)
		_ = p.stdin.Close() // it may have ended
		patience := time.AfterFunc(endWithin, func() { _ = p.cmd.Process.Kill() })
		p.ended.Wait()
		_ = p.cmd.Wait() // how it ends, when nobody wants it any more, says nothing
		patience.Stop()
	})
	return nil
}

// explain adds what the program said before it failed, of which all has come
// once it has ended.
func (p *process) explain(err error) error {
	_ = p.close() // it is of no use any more
	if said := p.complaint.String(); said != "" {
		return fmt.Errorf("%w; it said: %s", err, said)
	}
	return err
}

// A tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// Write keeps b, and forgets what is too old.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	t.text = t.text[max(len(t.text)-maxComplaint, 0):]
	return len(b), nil
}

// String is the end of what was written, on one line.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(strings.Fields(strings.ToValidUTF8(string(t.text), "")), " ")
}

// clip is the beginning of a line.
func clip(line []byte) string {
	const most = 200
	return strings.ToValidUTF8(string(line[:min(len(line), most)]), "")
}
