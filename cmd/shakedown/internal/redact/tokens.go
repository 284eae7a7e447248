package redact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"

	"github.com/shakedown-dev/shakedown/history"
)

// A Level says what is replaced beside text.
type Level struct {
	// Numbers replaces numbers.
	Numbers bool
	// Names replaces the names of the members of objects.
	Names bool
}

// Levels are all levels, the one that hides most first.
func Levels() []Level {
	return []Level{{Numbers: true, Names: true}, {Numbers: true}, {Names: true}, {}}
}

// String is what is left as it was, for people; empty if nothing is.
func (l Level) String() string {
	switch {
	case l.Numbers && l.Names:
		return ""
	case l.Numbers:
		return "the names of objects' members"
	case l.Names:
		return "numbers"
	}
	return "numbers, and the names of objects' members"
}

// Tokens remember what each value was replaced by. All values must be seen, by
// [Tokens.See], before the first is replaced.
type Tokens struct {
	level   Level
	text    map[string]string
	errors  map[string]string
	numbers map[string]*big.Rat
	ranks   map[string]string // nil until the first replacement
}

// NewTokens replaces at the given level.
func NewTokens(l Level) *Tokens {
	return &Tokens{level: l, text: map[string]string{}, errors: map[string]string{}, numbers: map[string]*big.Rat{}}
}

// vocabulary are the words by which transactions and logs name what they do.
// They are the language of the checks, not data.
func vocabulary() []string {
	return []string{"append", "r", "w", "read", "write", "cas", "send", "poll", "assign", "subscribe", "crash", "add", "enqueue", "dequeue", "drain", "acquire", "release", "txn"}
}

// members are the names by which the checks and the bundled rules know the
// parts of an object. Any other name is data, as the accounts of a bank are.
func members() []string {
	return []string{
		"from", "to", "amount", "val", "value", "sts", "ts", "timestamp", "term", "leader", "version", "revision",
		"node", "process", "token", "owner", "queued", "done", "desired", "actual", "offset", "key",
	}
}

// See takes note of a key and a value that will be replaced.
func (t *Tokens) See(key string, value json.RawMessage) {
	t.seeNumber(key)
	if v, ok := decode(value); ok {
		t.see(v)
	}
}

func (t *Tokens) see(v any) {
	switch v := v.(type) {
	case json.Number:
		t.seeNumber(v.String())
	case string:
		t.seeNumber(v)
	case []any:
		for _, e := range v {
			t.see(e)
		}
	case map[string]any:
		for name, e := range v {
			t.seeNumber(name)
			t.see(e)
		}
	}
}

// seeNumber notes a number, be it text or not: names of members and keys are
// text, and must stay equal to the numbers that they were.
func (t *Tokens) seeNumber(text string) {
	if n, ok := number(text); ok {
		t.numbers[n.RatString()] = n
	}
}

// number reads a decimal number. One with an exponent that would fill the
// memory is none.
func number(text string) (*big.Rat, bool) {
	if !numberPattern.MatchString(text) {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

var numberPattern = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?$`)

// rank numbers the numbers that were seen: zero stays zero, those above it are
// 1, 2, …, those below it -1, -2, …, so that their order stays, and their sign.
func (t *Tokens) rank() {
	if t.ranks != nil {
		return
	}
	t.ranks = map[string]string{}
	var above, below []*big.Rat
	for _, n := range t.numbers {
		switch n.Sign() {
		case 1:
			above = append(above, n)
		case -1:
			below = append(below, n)
		}
	}
	slices.SortFunc(above, (*big.Rat).Cmp)
	slices.SortFunc(below, func(a, b *big.Rat) int { return b.Cmp(a) })
	for i, n := range above {
		t.ranks[n.RatString()] = fmt.Sprint(i + 1)
	}
	for i, n := range below {
		t.ranks[n.RatString()] = fmt.Sprint(-i - 1)
	}
}

// Key is what a key becomes; an empty one stays empty.
func (t *Tokens) Key(key string) string { return t.word(key) }

// word is what a text becomes.
func (t *Tokens) word(s string) string {
	if s == "" || slices.Contains(vocabulary(), s) {
		return s
	}
	if _, ok := number(s); ok {
		return t.number(s)
	}
	return token(t.text, s, "t")
}

func (t *Tokens) number(text string) string {
	if !t.level.Numbers {
		return text
	}
	t.rank()
	if n, ok := number(text); ok {
		if r, ok := t.ranks[n.RatString()]; ok {
			return r
		}
	}
	return "0"
}

// Error is what a message becomes.
func (t *Tokens) Error(text string) string {
	if text == "" {
		return ""
	}
	return token(t.errors, text, "error ")
}

func token(of map[string]string, text, prefix string) string {
	if got, ok := of[text]; ok {
		return got
	}
	made := fmt.Sprint(prefix, len(of)+1)
	of[text] = made
	return made
}

// Value is what a JSON value becomes; what is no JSON becomes null.
func (t *Tokens) Value(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return raw
	}
	v, ok := decode(raw)
	if !ok {
		return json.RawMessage("null")
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(t.value(v)) != nil {
		return json.RawMessage("null")
	}
	return bytes.TrimSpace(b.Bytes())
}

func (t *Tokens) value(v any) any {
	switch v := v.(type) {
	case json.Number:
		return json.Number(t.number(v.String()))
	case string:
		return t.word(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = t.value(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, e := range v {
			if t.level.Names && !slices.Contains(members(), name) {
				name = t.word(name)
			}
			out[name] = t.value(e)
		}
		return out
	}
	return v
}

func decode(raw json.RawMessage) (any, bool) {
	if len(raw) == 0 {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err == nil
}

// History is h with what the clients said and heard replaced. h stays as it is.
func (t *Tokens) History(h *history.History) *history.History {
	for _, op := range h.Ops {
		if op.Process != history.Nemesis {
			t.See(op.Key, op.Value)
		}
	}
	out := *h
	out.Ops = slices.Clone(h.Ops)
	for i := range out.Ops {
		op := &out.Ops[i]
		if op.Process == history.Nemesis {
			op.Value = quoteless(op)
			continue
		}
		op.Key, op.Value, op.Error = t.Key(op.Key), t.Value(op.Value), t.Error(op.Error)
	}
	return &out
}

// quoteless is the value of an event about a fault without what others said: the
// line of a log or the answer that it waited for, and what a fault of the
// user's own runs and prints.
func quoteless(op *history.Op) json.RawMessage {
	var e history.FaultEvent
	switch {
	case op.F == "phase" || op.F == "plan":
		return op.Value
	case json.Unmarshal(op.Value, &e) != nil:
		return json.RawMessage("null")
	case e.Stage != history.StageSetUp && op.F != "custom":
		return op.Value
	}
	for _, text := range []*string{&e.Says, &e.Evidence, &e.Error} {
		if *text != "" && (op.F == "custom" || text == &e.Evidence) {
			*text = Redacted
		}
	}
	value, err := json.Marshal(e)
	if err != nil {
		return json.RawMessage("null")
	}
	return value
}
