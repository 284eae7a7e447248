package http

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// newRequest makes the request that o says is sent for op. A poll reads on from
// there.
func newRequest(ctx context.Context, base string, o scenarios.HTTPOperation, op history.Op, from int64) (*nethttp.Request, error) {
	values, err := placeholders(op, from)
	if err != nil {
		return nil, err
	}
	body := fill(o.Body, values, verbatim)
	req, err := nethttp.NewRequestWithContext(ctx, o.Method, base+target(o.Path, values), once(o.Method, body))
	if err != nil {
		return nil, err
	}
	req.ContentLength = int64(len(body)) // with a body and 0, Go looks whether there is one
	for name, value := range o.Header {
		setHeader(req, name, value)
	}
	return req, nil
}

// once returns a body that Go cannot read a second time, and nil where a body
// is neither needed nor wanted. Go's transport sends a request again, on a new
// connection, when the old one broke before the answer, the method is one of
// those below or the header has an idempotency key, and the body can be had
// again. That the node may have carried out the first one, as it does when a
// scenario writes with GET, it does not care: a write would be made twice.
func once(method, body string) io.Reader {
	switch method {
	case "", nethttp.MethodGet, nethttp.MethodHead, nethttp.MethodOptions, nethttp.MethodTrace:
	default:
		if body == "" {
			return nil
		}
	}
	return struct{ io.Reader }{strings.NewReader(body)} // of a type that NewRequest does not know how to copy
}

// setHeader sets a header as the scenario has it. The two that make Go's
// transport send a request again (see once) are hidden from it, which looks
// them up by their canonical names; to the node, case does not matter.
func setHeader(req *nethttp.Request, name, value string) {
	switch canonical := nethttp.CanonicalHeaderKey(name); canonical {
	case "Host":
		req.Host = value
	case "Idempotency-Key", "X-Idempotency-Key":
		req.Header[strings.ToLower(name)] = []string{value}
	default:
		req.Header.Set(name, value)
	}
}

// placeholders returns what stands for each name in op. Values are JSON texts.
func placeholders(op history.Op, from int64) (map[string]string, error) {
	values := map[string]string{"{key}": op.Key}
	switch op.F {
	case "cas":
		var pair []json.RawMessage
		if err := json.Unmarshal(op.Value, &pair); err != nil || len(pair) != 2 {
			return nil, fmt.Errorf("a cas needs [old, new], and has %s", op.Value)
		}
		return values, errors.Join(put(values, "{old}", pair[0]), put(values, "{new}", pair[1]))
	case "transfer":
		t, err := client.ParseTransfer(op.Value)
		values["{from}"], values["{to}"], values["{amount}"] = strconv.Itoa(t.From), strconv.Itoa(t.To), strconv.Itoa(t.Amount)
		return values, err
	case "poll":
		values["{from}"] = strconv.FormatInt(from, 10)
		return values, nil
	}
	return values, put(values, "{value}", op.Value)
}

// put sets a name to the text of v.
func put(values map[string]string, name string, v json.RawMessage) (err error) {
	values[name], err = compact(v)
	return err
}

// compact returns the text of v without white space; no value at all is null.
func compact(v json.RawMessage) (string, error) {
	if len(v) == 0 {
		return "null", nil
	}
	var b bytes.Buffer
	if err := json.Compact(&b, v); err != nil {
		return "", fmt.Errorf("value %q: %w", v, err)
	}
	return b.String(), nil
}

// target fills in a path and its query, each with what it cannot bear escaped.
func target(path string, values map[string]string) string {
	path, query, ok := strings.Cut(rooted(path), "?")
	path = fill(path, values, url.PathEscape)
	if !ok {
		return path
	}
	return path + "?" + fill(query, values, url.QueryEscape)
}

// fill replaces the placeholders in text, all at once: one that stands in a
// value stays as it is.
func fill(text string, values map[string]string, escape func(string) string) string {
	var pairs []string
	for name, value := range values {
		pairs = append(pairs, name, escape(value))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func verbatim(s string) string { return s }

// rooted returns path with the slash that it has to begin with.
func rooted(path string) string {
	if strings.HasPrefix(path, "/") {
		return path
	}
	return "/" + path
}
