package export

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// writeOTLP writes OpenTelemetry's traces as JSON (the Protobuf mapping of
// opentelemetry-proto: 64-bit numbers are strings, ids are hexadecimal). There
// is one trace for the run, in which each phase, fault and operation is a span.
// An operation with an unknown result lasts to the end of the history, and its
// attributes say so.
//
// The ids are made of the run's own, so that two exports are the same and a
// collector takes them for one.
func writeOTLP(w io.Writer, s Source) error {
	o := otlp{source: s, w: w, trace: otlpID(16, s.ID, s.Scenario, "trace"), root: otlpID(8, s.ID, s.Scenario, "run")}
	resource, err := json.Marshal(otlpResource{Attributes: otlpAttributes(map[string]string{
		"service.name": "shakedown", "shakedown.run": s.ID, "shakedown.scenario": s.Scenario, "shakedown.system": s.System,
	})})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, `{"resourceSpans":[{"resource":%s,"scopeSpans":[{"scope":{"name":"shakedown"},"spans":[`+"\n", resource)
	if err != nil {
		return err
	}
	for span := range o.spans() {
		if err := o.write(span); err != nil {
			return err
		}
	}
	_, err = io.WriteString(w, "\n]}]}]}\n")
	return err
}

// Kinds and statuses, by their numbers in the Protobuf.
const (
	otlpInternal = 1
	otlpClient   = 3
	otlpOK       = 1
	otlpError    = 2
)

type otlpResource struct {
	Attributes []otlpAttribute `json:"attributes"`
}

type otlpAttribute struct {
	Key   string    `json:"key"`
	Value otlpValue `json:"value"`
}

type otlpValue struct {
	String string `json:"stringValue"`
}

type otlpStatus struct {
	Code    int    `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

type otlpEvent struct {
	Time string `json:"timeUnixNano"`
	Name string `json:"name"`
}

type otlpSpan struct {
	Trace      string          `json:"traceId"`
	ID         string          `json:"spanId"`
	Parent     string          `json:"parentSpanId,omitempty"`
	Name       string          `json:"name"`
	Kind       int             `json:"kind"`
	Start      string          `json:"startTimeUnixNano"`
	End        string          `json:"endTimeUnixNano"`
	Attributes []otlpAttribute `json:"attributes,omitempty"`
	Events     []otlpEvent     `json:"events,omitempty"`
	Status     otlpStatus      `json:"status"`
}

// An otlp writes spans with commas between them.
type otlp struct {
	source      Source
	w           io.Writer
	trace, root string
	written     bool
}

func (o *otlp) write(span otlpSpan) error {
	text, err := json.Marshal(span)
	if err != nil {
		return err
	}
	if o.written {
		if _, err := io.WriteString(o.w, ",\n"); err != nil {
			return err
		}
	}
	o.written = true
	_, err = o.w.Write(text)
	return err
}

// spans are the run itself, then its phases, faults and operations.
func (o *otlp) spans() iter.Seq[otlpSpan] {
	return func(yield func(otlpSpan) bool) {
		h := o.source.History
		run := o.span(o.source.Scenario, "run", otlpInternal, 0, o.source.end())
		run.ID, run.Parent = o.root, ""
		if !yield(run) {
			return
		}
		for _, p := range h.Phases() {
			if !yield(o.span("phase "+p.Name, "phase "+p.Name, otlpInternal, p.From, p.To)) {
				return
			}
		}
		for _, f := range h.Faults() {
			if f.Inject >= 0 && !yield(o.fault(f)) {
				return
			}
		}
		for _, op := range h.Operations() {
			if (o.source.Key == "" || op.Invoke.Key == o.source.Key) && !yield(o.operation(op)) {
				return
			}
		}
	}
}

func (o *otlp) span(name, id string, kind int, from, to time.Duration) otlpSpan {
	return otlpSpan{
		Trace: o.trace, ID: otlpID(8, o.source.ID, o.source.Scenario, id), Parent: o.root, Name: name, Kind: kind,
		Start: o.at(from), End: o.at(to),
	}
}

func (o *otlp) fault(f history.FaultWindow) otlpSpan {
	to := o.source.end()
	if f.Healed >= 0 {
		to = f.Healed
	}
	span := o.span("fault "+f.ID, "fault "+f.ID, otlpInternal, f.Inject, to)
	span.Attributes = otlpAttributes(map[string]string{
		"fault": f.Fault, "nodes": strings.Join(f.Nodes, " "), "role": f.Role, "says": f.Says, "evidence": f.Evidence, "error": f.Error,
	})
	if f.InForce >= 0 {
		span.Events = append(span.Events, otlpEvent{o.at(f.InForce), "seen in force"})
	}
	return span
}

func (o *otlp) operation(op history.Operation) otlpSpan {
	to, fault := o.source.end(), ""
	if op.Complete != nil {
		fault = op.Complete.Error
		if op.Type() != history.Info {
			to = op.Complete.Time
		}
	}
	span := o.span(strings.TrimSpace(op.Invoke.F+" "+op.Invoke.Key), "operation "+strconv.Itoa(op.Invoke.Index), otlpClient, op.Start(), to)
	span.Attributes = otlpAttributes(map[string]string{
		"index": strconv.Itoa(op.Invoke.Index), "process": strconv.Itoa(op.Invoke.Process), "node": op.Invoke.Node, "f": op.Invoke.F, "key": op.Invoke.Key,
		"invoked": string(op.Invoke.Value), "value": string(op.Value()), "outcome": op.Type().String(), "error": fault,
	})
	span.Status.Code = otlpOK
	if op.Type() != history.OK {
		span.Status = otlpStatus{otlpError, strings.TrimSpace(op.Type().String() + " " + fault)}
	}
	return span
}

// at is a time by the wall clock; without one, since 1970.
func (o *otlp) at(d time.Duration) string {
	if o.source.Zero.IsZero() {
		return strconv.FormatInt(int64(d), 10)
	}
	return strconv.FormatInt(o.source.Zero.Add(d).UnixNano(), 10)
}

// otlpAttributes are those that are not empty, in order of their names.
func otlpAttributes(all map[string]string) []otlpAttribute {
	out := []otlpAttribute{}
	for _, k := range slices.Sorted(maps.Keys(all)) {
		if all[k] != "" {
			out = append(out, otlpAttribute{k, otlpValue{all[k]}})
		}
	}
	return out
}

// otlpID is an id of so many bytes, made of words.
func otlpID(size int, words ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	return hex.EncodeToString(sum[:size])
}
