package runner

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// Encode returns what [Plan.Write] writes.
func (p *Plan) Encode() ([]byte, error) {
	var b bytes.Buffer
	err := p.Write(&b)
	return b.Bytes(), err
}

// Write writes the plan as JSON for people and programs: everything indented,
// except that a planned operation takes one line. The same plan gives the same
// bytes.
func (p *Plan) Write(w io.Writer) error {
	head := *p
	head.Clients = nil
	var fields map[string]json.RawMessage
	if err := reencode(head, &fields); err != nil {
		return err
	}
	b := bufio.NewWriter(w) // which keeps its first error
	_, _ = b.WriteString("{\n")
	for _, name := range []string{"format", "seed", "scenario", "nodes", "phases", "faults", "final_reads"} {
		value, err := json.MarshalIndent(fields[name], "  ", "  ")
		if err != nil {
			return fmt.Errorf("encode the plan's %s: %w", name, err)
		}
		fmt.Fprintf(b, "  %q: %s,\n", name, value)
	}
	if err := encodeClients(b, p.Clients); err != nil {
		return err
	}
	_, _ = b.WriteString("\n}\n")
	return b.Flush()
}

func reencode(from, to any) error {
	data, err := json.Marshal(from)
	if err != nil {
		return fmt.Errorf("encode the plan: %w", err)
	}
	return json.Unmarshal(data, to)
}

func encodeClients(b *bufio.Writer, clients []PlannedClient) error {
	_, _ = b.WriteString(`  "clients": [`)
	for i, c := range clients {
		fmt.Fprintf(b, "%s\n    {\"client\": %d, \"node\": %q, \"operations\": [", comma(i), c.Client, c.Node)
		for j, o := range c.Operations {
			line, err := json.Marshal(o)
			if err != nil {
				return fmt.Errorf("encode operation %d of client %d: %w", j, c.Client, err)
			}
			fmt.Fprintf(b, "%s\n      %s", comma(j), line)
		}
		_, _ = b.WriteString("]}")
	}
	_, _ = b.WriteString("]")
	return nil
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

// Decode reads what [Plan.Encode] wrote, now or in an older format. Unknown
// fields and a newer format are errors: a plan must mean what it meant when it
// was made.
func Decode(data []byte) (*Plan, error) {
	var head struct{ Format int }
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	switch head.Format {
	case format:
	case 1:
		var err error
		if data, err = fromFormat1(data); err != nil {
			return nil, fmt.Errorf("read the plan: %w", err)
		}
	default:
		return nil, fmt.Errorf("read the plan: its format is %d, this program knows 1 to %d", head.Format, format)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	p := &Plan{}
	if err := d.Decode(p); err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	return p, nil
}
