package runner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// DecodeOutline reads what [Decode] reads, but for the operations of the clients,
// as [Plan.Forget] would leave it. They may be millions; passing by them takes
// little memory.
func DecodeOutline(r io.Reader) (*Plan, error) {
	text, err := outline(r)
	if err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	p, err := Decode(text)
	if err != nil {
		return nil, err
	}
	p.Forget() // what encoding/json took for operations, by another spelling
	return p, nil
}

// outline is the JSON of a plan whose clients have no operations.
func outline(r io.Reader) ([]byte, error) {
	d := json.NewDecoder(r)
	plan, err := fields(d, func(name string) (json.RawMessage, error) {
		if name == "clients" {
			return idle(d)
		}
		return value(d)
	})
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows it")
	}
	return plan, nil
}

// idle reads a list of clients, and drops their operations.
func idle(d *json.Decoder) (json.RawMessage, error) {
	var clients []json.RawMessage
	err := each(d, func() error {
		client, err := fields(d, func(name string) (json.RawMessage, error) {
			if name == "operations" {
				var skipped nothing
				return json.RawMessage("null"), each(d, func() error { return d.Decode(&skipped) })
			}
			return value(d)
		})
		clients = append(clients, client)
		return err
	})
	if err != nil {
		return nil, err
	}
	return json.Marshal(clients)
}

// fields reads an object, whose values are read by read, and returns it.
func fields(d *json.Decoder, read func(name string) (json.RawMessage, error)) (json.RawMessage, error) {
	if err := expect(d, json.Delim('{')); err != nil {
		return nil, err
	}
	b := bytes.NewBufferString("{")
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string) // by the grammar
		v, err := read(name)
		if err != nil {
			return nil, fmt.Errorf("its %s: %w", name, err)
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		quoted, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		b.Write(quoted)
		b.WriteByte(':')
		b.Write(v)
	}
	b.WriteByte('}')
	return b.Bytes(), expect(d, json.Delim('}'))
}

func value(d *json.Decoder) (json.RawMessage, error) {
	var v json.RawMessage
	err := d.Decode(&v)
	return v, err
}

// each reads a list, each of whose values is read by read, or null.
func each(d *json.Decoder, read func() error) error {
	token, err := d.Token()
	if err != nil || token == nil {
		return err
	}
	if token != json.Delim('[') {
		return fmt.Errorf("%v stands where a list should", token)
	}
	for d.More() {
		if err := read(); err != nil {
			return err
		}
	}
	return expect(d, json.Delim(']'))
}

// nothing is a JSON value that nobody wants.
type nothing struct{}

// UnmarshalJSON takes any value.
func (*nothing) UnmarshalJSON([]byte) error { return nil }

func expect(d *json.Decoder, want json.Delim) error {
	token, err := d.Token()
	if err == nil && token != want {
		err = fmt.Errorf("%v stands where %v should", token, want)
	}
	return err
}
