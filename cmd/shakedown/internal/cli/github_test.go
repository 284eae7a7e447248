package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/report"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// What a node said must not become a command to GitHub's runner, nor break the
// table of the summary.
func TestGitHub(t *testing.T) {
	file := filepath.Join(t.TempDir(), "summary.md")
	var stderr bytes.Buffer
	r := &root{env: Env{Stderr: &stderr, Getenv: func(name string) string {
		return map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": file}[name]
	}}}
	j := job{scenario: &scenarios.Scenario{Name: "storm"}, source: source{path: "a,b:c.yaml"}}
	did := ran{job: j, id: "7f3a91", verdict: "violation", code: exitViolation, out: report.Run{Verdict: checkers.Violation, Results: []checkers.Result{
		{Check: "linearizable", Verdict: checkers.Violation, Says: []string{"a read returned 50 %\n::set-output name=x::y", "<img src=x> | `z`"}}}}}
	r.beginGroup(j)
	r.endGroup(did, nil)
	r.endGroup(ran{job: j, verdict: "valid"}, nil)
	r.endGroup(ran{job: j, code: exitEnvironment}, environment(os.ErrNotExist, ""))
	want := "::group::storm\n::endgroup::\n" +
		"::error file=a%2Cb%3Ac.yaml,line=1,title=storm%3A violation::linearizable found a violation%0Aa read returned 50 %25%0A::set-output name=x::y%0A<img src=x> | `z`\n" +
		"::endgroup::\n::endgroup::\n" +
		"::error file=a%2Cb%3Ac.yaml,line=1,title=storm failed::file does not exist\n"
	if got := stderr.String(); got != want {
		t.Errorf("printed:\n%s\nwant:\n%s", got, want)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"### storm: violation\n", "| linearizable | violation | a read returned 50 % ::set-output name=x::y &lt;img src=x&gt; \\| \\`z\\` |\n", "### storm: failed\n\nfile does not exist\n"} {
		if !strings.Contains(string(text), part) {
			t.Errorf("the summary lacks %q:\n%s", part, text)
		}
	}
}

// Elsewhere nothing of it is printed.
func TestNotOnGitHub(t *testing.T) {
	var stderr bytes.Buffer
	r := &root{env: Env{Stderr: &stderr, Getenv: func(string) string { return "" }}}
	r.beginGroup(job{scenario: &scenarios.Scenario{}})
	r.endGroup(ran{code: exitViolation}, nil)
	if stderr.Len() > 0 {
		t.Errorf("printed %q", stderr.String())
	}
}
