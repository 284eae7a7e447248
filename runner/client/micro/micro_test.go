package micro

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestApply(t *testing.T) {
	for _, c := range []struct{ name, txn, before, answer, after string }{
		{"reads what is there", `[["r","x",null],["r","y",null]]`, `{"x":[1,2]}`, `[["r","x",[1,2]],["r","y",null]]`, `{"x":[1,2]}`},
		{"reads its own append", `[["append","x",3],["r","x",null]]`, `{"x":[1]}`, `[["append","x",3],["r","x",[1,3]]]`, `{"x":[1,3]}`},
		{"reads before its own write", `[["r","x",null],["w","x",7],["r","x",null]]`, `{}`, `[["r","x",null],["w","x",7],["r","x",7]]`, `{"x":7}`},
		{"appends to nothing", `[["append","x",1],["append","x",2]]`, `{}`, `[["append","x",1],["append","x",2]]`, `{"x":[1,2]}`},
	} {
		ops, err := Parse(json.RawMessage(c.txn))
		if err != nil {
			t.Fatal(err)
		}
		values := map[string]json.RawMessage{}
		if err := json.Unmarshal([]byte(c.before), &values); err != nil {
			t.Fatal(err)
		}
		if _, err := Apply(ops, values); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		answer, err := Format(ops)
		if err != nil {
			t.Fatal(err)
		}
		after, _ := json.Marshal(values)
		if string(answer) != c.answer || string(after) != c.after {
			t.Errorf("%s: %s and %s", c.name, answer, after)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, bad := range []string{``, `7`, `[["r","x"]]`, `[["r",5,null]]`, `[["incr","x",1]]`, `[[1,"x",1]]`} {
		if ops, err := Parse(json.RawMessage(bad)); err == nil {
			t.Errorf("%s: %v", bad, ops)
		}
	}
	ops, err := Parse(json.RawMessage(`[["append","x",1]]`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Apply(ops, map[string]json.RawMessage{"x": json.RawMessage("7")}); err == nil || !strings.Contains(err.Error(), "no list") {
		t.Errorf("append to a number: %v", err)
	}
}

func TestKeys(t *testing.T) {
	if got := Keys([]Op{{Key: "b"}, {Key: "a"}, {Key: "b"}}); !slices.Equal(got, []string{"b", "a"}) {
		t.Error(got)
	}
}
