package tiny

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	h, err := Parse(`
# Two clients and a fault.
plan n1,n2
p1@n1 [10,20] add x 5 ok
p2 [12,20] read x -> [1,2] ok final
p3 [20,] transfer {"from":1}
fault kill#1 n1 [11,21]`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range h.Ops {
		got = append(got, h.Ops[i].String())
	}
	if want := 10; len(got) != want || !strings.Contains(got[7], "p3 invoke transfer") {
		t.Errorf("%d events, not %d, or out of order:\n%s", len(got), want, strings.Join(got, "\n"))
	}
}

func TestParseMistakes(t *testing.T) {
	for _, text := range []string{"p1 add", "q1 [1,2] add", "p1 1,2 add ok", "p1 [a,b] add ok", "p1 [5,9] add ok\np1 [6,7] add ok"} {
		if h, err := Parse(text); err == nil {
			t.Errorf("%q is read as %v", text, h)
		}
	}
}
