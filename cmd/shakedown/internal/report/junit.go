package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
)

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Time       string          `xml:"time,attr"`
	Timestamp  string          `xml:"timestamp,attr,omitempty"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitProblem `xml:"failure,omitempty"`
	Error   *junitProblem `xml:"error,omitempty"`
	Out     string        `xml:"system-out,omitempty"`
}

type junitProblem struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes the run as one suite with a case for each check. A violation is
// a failure and what is unknown is an error, since neither is a pass. When the
// scenario expects a violation, the case "expected violation" takes over: it
// fails if there was none.
func JUnit(w io.Writer, r Run) error {
	s := junitSuite{Name: r.Scenario, Time: decimal(r.Took), Properties: junitProperties(r)}
	if !r.Started.IsZero() {
		s.Timestamp = r.Started.UTC().Format("2006-01-02T15:04:05")
	}
	for _, c := range r.Results {
		s.Cases = append(s.Cases, checkCase(r, c))
	}
	if r.Expect == checkers.Violation {
		s.Cases = append(s.Cases, expectedCase(r))
	}
	if len(r.Reasons) > 0 {
		text := strings.Join(r.Reasons, "\n")
		s.Cases = append(s.Cases, junitCase{Name: "run", Class: r.Scenario, Time: "0",
			Error: &junitProblem{Type: "unknown", Message: r.Reasons[0], Text: text}})
	}
	s.count()
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("write junit: %w", err)
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(junitSuites{Suites: []junitSuite{s}}); err != nil {
		return fmt.Errorf("write junit: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func checkCase(r Run, c checkers.Result) junitCase {
	text := strings.Join(c.Says, "\n")
	out := junitCase{Name: c.Check, Class: r.Scenario, Time: decimal(c.Took)}
	switch {
	case c.Verdict == checkers.Unknown:
		out.Error = &junitProblem{Type: "unknown", Message: first(c.Says), Text: text}
	case c.Verdict == checkers.Violation && r.Expect != checkers.Violation:
		out.Failure = &junitProblem{Type: "violation", Message: first(c.Says), Text: text}
	default:
		out.Out = text
	}
	return out
}

func expectedCase(r Run) junitCase {
	out := junitCase{Name: "expected violation", Class: r.Scenario, Time: "0"}
	switch r.Verdict {
	case checkers.Valid:
		out.Failure = &junitProblem{Type: "not found", Message: r.Headline()}
	case checkers.Unknown:
		out.Error = &junitProblem{Type: "unknown", Message: r.Headline()}
	}
	return out
}

func (s *junitSuite) count() {
	s.Tests = len(s.Cases)
	for _, c := range s.Cases {
		if c.Failure != nil {
			s.Failures++
		}
		if c.Error != nil {
			s.Errors++
		}
	}
}

func junitProperties(r Run) []junitProperty {
	out := []junitProperty{
		{"run", r.ID}, {"seed", strconv.FormatUint(r.Seed, 10)}, {"system", r.System},
		{"verdict", Word(r.Verdict)}, {"expect", Word(r.Expect)},
	}
	for _, f := range r.Facts {
		out = append(out, junitProperty(f))
	}
	return out
}

func decimal(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }
