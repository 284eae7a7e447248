package nemesis

import (
	"strings"
	"testing"
)

// Every class has a name that is explained, every rule a reason, and no pair
// two rules.
func TestTheMatrixIsWhole(t *testing.T) {
	known := map[Class]bool{}
	for _, c := range classWords() {
		known[Class(c[0])] = true
	}
	seen := map[[2]Class]bool{}
	for _, r := range Rules() {
		if r.Why == "" || r.Meet == MeetFreely || !known[r.A] || !known[r.B] || seen[[2]Class{r.A, r.B}] || seen[[2]Class{r.B, r.A}] {
			t.Errorf("%+v is not whole, or there twice", r)
		}
		seen[[2]Class{r.A, r.B}] = true
		if RuleFor(r.B, r.A) != r {
			t.Errorf("%s and %s depend on their order", r.A, r.B)
		}
	}
	text := ExplainMeetings()
	for _, want := range []string{"process + process", "Never; a plan", "clock + clock ", "links meet all."} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}
