package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/report"
)

// onGitHub tells whether we run as a step of a GitHub workflow, whose runner
// reads commands in the lines that it is shown.
func (env Env) onGitHub() bool { return env.Getenv("GITHUB_ACTIONS") == "true" }

// beginGroup folds what follows in a workflow's log.
func (r *root) beginGroup(j job) {
	if r.env.onGitHub() {
		fmt.Fprintf(r.env.Stderr, "::group::%s\n", githubText(strings.TrimSpace(j.scenario.Name+" "+strings.Join(j.set, " "))))
	}
}

// endGroup ends the group, and annotates the scenario's file with what was not
// as expected.
func (r *root) endGroup(did ran, err error) {
	if !r.env.onGitHub() {
		return
	}
	fmt.Fprintln(r.env.Stderr, "::endgroup::")
	if level, title, text := annotation(did, err); level != "" {
		fmt.Fprintf(r.env.Stderr, "::%s file=%s,line=1,title=%s::%s\n", level, githubProperty(did.job.source.path), githubProperty(title), githubText(text))
	}
	if err := r.summarize(did, err); err != nil {
		r.warn("write the summary of the step: %v", err)
	}
}

// annotation is what there is to say about a run on GitHub's pages; nothing if
// it went as expected.
func annotation(did ran, err error) (level, title, text string) {
	switch {
	case did.verdict == "" && did.code == exitExpected:
		return "", "", ""
	case did.verdict == "":
		return "error", did.job.scenario.Name + " failed", fmt.Sprint(err)
	case did.code == exitExpected:
		return "", "", ""
	case did.code == exitUnknown:
		level = "warning"
	default:
		level = "error"
	}
	title = did.job.scenario.Name + ": " + did.verdict
	return level, title, strings.Join(append([]string{did.out.Headline()}, firstSentences(did.out, 3)...), "\n")
}

// firstSentences are what the most urgent checks say.
func firstSentences(out report.Run, most int) []string {
	var says []string
	says = append(says, out.Reasons...)
	for _, c := range out.Sorted() {
		says = append(says, c.Says...)
	}
	return says[:min(most, len(says))]
}

// summarize appends a table of the run to the summary of the step.
func (r *root) summarize(did ran, failed error) error {
	file := r.env.Getenv("GITHUB_STEP_SUMMARY")
	if file == "" {
		return nil
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(summary(did, failed))
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// summary is a run in Markdown.
func summary(did ran, failed error) string {
	var b strings.Builder
	verdict := did.verdict
	if verdict == "" {
		verdict = "failed"
	}
	fmt.Fprintf(&b, "### %s: %s\n\n", markdown(did.job.scenario.Name), verdict)
	if did.verdict == "" {
		fmt.Fprintf(&b, "%s\n\n", markdown(fmt.Sprint(failed)))
		return b.String()
	}
	fmt.Fprintf(&b, "%s. Run `%s`, seed %d.\n\n| check | verdict | in words |\n|---|---|---|\n", markdown(did.out.Headline()), did.id, did.out.Seed)
	for _, c := range did.out.Sorted() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", markdown(c.Check), report.Word(c.Verdict), markdown(strings.Join(c.Says[:min(2, len(c.Says))], " ")))
	}
	b.WriteString("\n")
	return b.String()
}

// markdown keeps text from being taken for Markdown or HTML.
func markdown(text string) string {
	escape := strings.NewReplacer("|", `\|`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`)
	return escape.Replace(oneLine(text))
}

// githubText escapes what ends a command.
func githubText(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

// githubProperty also escapes what ends a property.
func githubProperty(text string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(githubText(text))
}

// githubFindings are the mistakes in a scenario as annotations.
func githubFindings(path string, err error) string {
	var b strings.Builder
	for _, f := range findings(err) {
		text := f.Message
		if f.Where != "" {
			text = f.Where + ": " + text
		}
		if f.Hint != "" {
			text += "; " + f.Hint
		}
		place := "file=" + githubProperty(path)
		if f.Line > 0 {
			place += fmt.Sprintf(",line=%d,col=%d", f.Line, f.Column)
		}
		fmt.Fprintf(&b, "::error %s,title=%s::%s\n", place, githubProperty("mistake in a scenario"), githubText(text))
	}
	return b.String()
}
