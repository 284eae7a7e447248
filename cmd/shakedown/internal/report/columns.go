package report

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"strconv"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// The limits of what a page carries: beyond them, values are left out and say so.
const (
	maxShownText  = 300     // bytes of a value or an error
	maxTableBytes = 6 << 20 // of all different texts together
	minTableBytes = 1 << 20 // of them when operations need the room
)

// columns are all operations, one column for each property, so that what is
// alike stands together and compresses well: about six bytes an operation.
// Every number is a varint; what grows is stored as its growth. The script of
// the page, decode.js, reads them back in the same order.
type columns struct {
	count                                 int
	index, start, took, done, client, gen bytes.Buffer
	kind, f, key, node, value, fault      bytes.Buffer
	fs, keys, nodes, texts                *table
	clients                               int
	lastIndex                             int
	lastStart                             int64
	lastGen                               map[int]int
	lastNode                              map[int]int
	lastNumber                            []int64
	scratch                               [binary.MaxVarintLen64]byte
}

// A table gives each different text a number, from 1; 0 is no text.
type table struct {
	numbers map[string]int
	Texts   []string
	bytes   int
	limit   int // of bytes
}

func newTable() *table { return &table{numbers: map[string]int{}, limit: maxTableBytes} }

// of returns the number of a text, cut to what a page shows. When the table is
// full, what is new is told by one text for all.
func (t *table) of(text string) int {
	if text == "" {
		return 0
	}
	if n, ok := t.numbers[text]; ok {
		return n
	}
	shown := clip(text, maxShownText)
	if t.bytes > t.limit {
		shown = "(left out: there are too many different values for a page)"
		if n, ok := t.numbers[shown]; ok {
			return n
		}
		text = shown
	}
	t.bytes += len(shown) + 3
	t.Texts = append(t.Texts, shown)
	t.numbers[text] = len(t.Texts)
	return len(t.Texts)
}

// newColumns encodes the operations. clients is how many lanes they have: a
// process p is of client p mod clients; 0 gives each process its own.
func newColumns(operations []history.Operation, clients int) *columns {
	c := &columns{
		count: len(operations), clients: clients, fs: newTable(), keys: newTable(), nodes: newTable(), texts: newTable(),
		lastGen: map[int]int{}, lastNode: map[int]int{}, lastNumber: make([]int64, 1),
	}
	// Ten bytes an operation and the texts: twelve million bytes in all.
	c.texts.limit = max(maxTableBytes-5*len(operations), minTableBytes)
	for _, o := range operations {
		c.add(o)
	}
	return c
}

func (c *columns) unsigned(b *bytes.Buffer, v uint64) {
	b.Write(c.scratch[:binary.PutUvarint(c.scratch[:], v)])
}

func (c *columns) signed(b *bytes.Buffer, v int64) {
	b.Write(c.scratch[:binary.PutVarint(c.scratch[:], v)])
}

func (c *columns) add(o history.Operation) {
	c.signed(&c.index, int64(o.Invoke.Index-c.lastIndex))
	c.lastIndex = o.Invoke.Index
	start := micros(o.Start())
	c.signed(&c.start, start-c.lastStart)
	c.lastStart = start
	c.addEnd(o, start)
	c.addProcess(o.Invoke.Process, c.nodes.of(o.Invoke.Node))
	kind := byte(o.Type())
	if o.Invoke.Final {
		kind |= 4
	}
	c.kind.WriteByte(kind)
	c.unsigned(&c.f, uint64(c.fs.of(o.Invoke.F)))
	key := c.keys.of(o.Invoke.Key)
	c.unsigned(&c.key, uint64(key))
	c.addValue(o.Value(), key)
	reason := 0
	if o.Complete != nil {
		reason = c.texts.of(o.Complete.Error)
	}
	c.unsigned(&c.fault, uint64(reason))
}

// addEnd stores how long the operation took and which event ended it: 0 and 0
// if none did.
func (c *columns) addEnd(o history.Operation, start int64) {
	if o.Complete == nil {
		c.took.WriteByte(0)
		c.done.WriteByte(0)
		return
	}
	c.unsigned(&c.took, uint64(max(micros(o.Complete.Time)-start, 0))+1)
	c.unsigned(&c.done, uint64(max(o.Complete.Index-o.Invoke.Index, 0)))
}

// addProcess stores the process as its client and how often that client had to
// begin anew, and the node as a change from the client's last one.
func (c *columns) addProcess(process, node int) {
	client, gen := process, 0
	if c.clients > 0 {
		client, gen = process%c.clients, process/c.clients
	}
	c.signed(&c.client, int64(client))
	c.signed(&c.gen, int64(gen-c.lastGen[client]))
	c.lastGen[client] = gen
	c.signed(&c.node, int64(node-c.lastNode[client]))
	c.lastNode[client] = node
}

// addValue stores an integer as its distance from the last one of the key, any
// other value as a text, and null as 0.
func (c *columns) addValue(v json.RawMessage, key int) {
	for key >= len(c.lastNumber) {
		c.lastNumber = append(c.lastNumber, 0)
	}
	if len(v) == 0 || string(v) == "null" {
		c.value.WriteByte(0)
		return
	}
	if n, ok := integer(v); ok {
		d := n - c.lastNumber[key]
		c.lastNumber[key] = n
		c.unsigned(&c.value, (uint64(d<<1^d>>63)+1)<<1)
		return
	}
	c.unsigned(&c.value, uint64(c.texts.of(string(v)))<<1|1)
}

// integer reads a JSON number that a script can hold without loss.
func integer(v json.RawMessage) (int64, bool) {
	const exact = 1 << 51 // so that differences are exact as well
	if len(v) > 16 || v[0] != '-' && (v[0] < '0' || v[0] > '9') || v[0] == '-' && len(v) == 1 {
		return 0, false
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	return n, err == nil && n > -exact && n < exact && strconv.FormatInt(n, 10) == string(v)
}

// parts are the columns in the order in which they are read.
func (c *columns) parts() []*bytes.Buffer {
	return []*bytes.Buffer{&c.index, &c.start, &c.took, &c.done, &c.client, &c.gen, &c.kind, &c.f, &c.key, &c.node, &c.value, &c.fault}
}

func micros(t time.Duration) int64 { return t.Microseconds() }
