package report

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shakedown-dev/shakedown/checkers"
)

func junit(t *testing.T, r Run) junitSuite {
	t.Helper()
	var b strings.Builder
	if err := JUnit(&b, r); err != nil {
		t.Fatal(err)
	}
	var suites junitSuites
	if err := xml.Unmarshal([]byte(b.String()), &suites); err != nil {
		t.Fatalf("the file is no XML: %v\n%s", err, b.String())
	}
	return suites.Suites[0]
}

// outcomes are the cases of a suite with how each ended.
func outcomes(s junitSuite) map[string]string {
	out := map[string]string{}
	for _, c := range s.Cases {
		out[c.Name] = "pass"
		if c.Failure != nil {
			out[c.Name] = "failure " + c.Failure.Type
		}
		if c.Error != nil {
			out[c.Name] = "error " + c.Error.Type
		}
	}
	return out
}

// Without this a CI server could show a violation, or what nobody could judge, as a pass.
func TestJUnitCases(t *testing.T) {
	const lin = "linearizable cas-register"
	tests := []struct {
		name   string
		change func(*Run)
		want   map[string]string
	}{
		{"violation", func(*Run) {}, map[string]string{lin: "failure violation", "stats": "pass", "recovery": "error unknown"}},
		{"expected violation", func(r *Run) { r.Expect = checkers.Violation },
			map[string]string{lin: "pass", "stats": "pass", "recovery": "error unknown", "expected violation": "pass"}},
		{"expected violation that was not found", func(r *Run) {
			r.Expect, r.Verdict, r.Results = checkers.Violation, checkers.Valid, r.Results[:1]
		}, map[string]string{"stats": "pass", "expected violation": "failure not found"}},
		{"expected violation, unknown", func(r *Run) {
			r.Expect, r.Verdict, r.Results = checkers.Violation, checkers.Unknown, r.Results[:1]
		}, map[string]string{"stats": "pass", "expected violation": "error unknown"}},
		{"cut short", func(r *Run) { r.Results, r.Reasons = nil, []string{"It was cut short."} },
			map[string]string{"run": "error unknown"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := sampleRun(t)
			test.change(&r)
			s := junit(t, r)
			if diff := cmp.Diff(test.want, outcomes(s)); diff != "" {
				t.Errorf("cases (-want +got):\n%s", diff)
			}
			if s.Tests != len(test.want) {
				t.Errorf("tests=%d, want %d", s.Tests, len(test.want))
			}
		})
	}
}

// Without this the totals that a CI server shows could contradict the cases.
func TestJUnitCounts(t *testing.T) {
	s := junit(t, sampleRun(t))
	if s.Tests != 3 || s.Failures != 1 || s.Errors != 1 {
		t.Errorf("tests %d, failures %d, errors %d; want 3, 1, 1", s.Tests, s.Failures, s.Errors)
	}
}
