package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shakedown-dev/shakedown/runner"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// A validation is what validate --json prints for a file.
type validation struct {
	File     string    `json:"file"`
	OK       bool      `json:"ok"`
	Runs     int       `json:"runs,omitempty"` // by its matrix, if it has one
	Findings []finding `json:"findings,omitempty"`
}

// A finding is a mistake in a scenario. Line and Column count from 1; 0 means
// that the mistake has no place of its own.
type finding struct {
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Where   string `json:"where,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

func (r *root) validate() *cobra.Command {
	var asJSON bool
	var format string
	var set []string
	c := &cobra.Command{
		Use:   "validate SCENARIO...",
		Short: "Find all mistakes in scenarios, without running them",
		Long: `Validate reads scenarios (files, folders, names of bundled ones) and prints every
mistake at once, each with its line and column and a suggestion. It needs no docker.`,
		Example:           "  shakedown validate my.yaml\n  shakedown validate scenarios/",
		Args:              r.arguments(1, -1),
		ValidArgsFunction: completeScenarios,
		RunE: func(_ *cobra.Command, args []string) error {
			sources, err := find(args)
			if err != nil {
				return err
			}
			if asJSON {
				format = "json"
			}
			if !slices.Contains(diagnosticFormats(), format) {
				return usage(fmt.Errorf("there is no format %q", format), "there are "+strings.Join(diagnosticFormats(), ", "))
			}
			return r.validateAll(sources, set, format)
		},
	}
	c.Flags().StringVar(&format, "format", "text", "how to print mistakes: "+strings.Join(diagnosticFormats(), ", ")+" (annotations of a workflow)")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(diagnosticFormats(), cobra.ShellCompDirectiveNoFileComp))
	jsonFlag(c, &asJSON)
	setFlag(c, &set)
	return c
}

// diagnosticFormats are the ways to print mistakes; the first is the usual one.
func diagnosticFormats() []string { return []string{"text", "json", "github"} }

// setFlag adds --set to c.
func setFlag(c *cobra.Command, target *[]string) {
	c.Flags().StringArrayVar(target, "set", nil, "replace a value of the scenario, as in system.nodes=3; may be repeated")
}

func (r *root) validateAll(sources []source, set []string, format string) error {
	var all []validation
	code := exitExpected
	for _, s := range sources {
		scenario, rows, err := r.validateRows(s, set)
		if err != nil {
			code = exitUsage
		}
		all = append(all, validation{File: s.path, OK: err == nil, Runs: rows, Findings: findings(err)})
		switch {
		case format == "json":
		case err != nil && format == "github":
			fmt.Fprint(r.env.Stdout, githubFindings(s.path, err))
		case err != nil:
			fmt.Fprintln(r.env.Stdout, strings.TrimRight(err.Error(), "\n"))
		default:
			fmt.Fprintf(r.env.Stdout, "ok   %s: %s%s\n", s.path, inShort(scenario), byMatrix(rows))
		}
	}
	if format == "json" {
		if err := printLines(r.env.Stdout, all); err != nil {
			return err
		}
	}
	return silent(code)
}

// validateRows reads a scenario as it stands, and then with each row of its
// matrix, up to the first that has a mistake. It also says how many rows there
// are.
func (r *root) validateRows(s source, set []string) (*scenarios.Scenario, int, error) {
	scenario, err := r.parseAndPlan(s, set)
	if err != nil {
		return nil, 0, err
	}
	rows, err := matrixOf(s)
	if err != nil {
		return nil, 0, err
	}
	if len(rows) == 1 && len(rows[0]) == 0 {
		return scenario, 0, nil
	}
	for _, row := range rows {
		if _, err := r.parseAndPlan(s, slices.Concat(row, set)); err != nil {
			return nil, 0, err
		}
	}
	return scenario, len(rows), nil
}

// byMatrix says how many runs a matrix makes, if there is one.
func byMatrix(rows int) string {
	if rows == 0 {
		return ""
	}
	return fmt.Sprintf(", %s by its matrix", countOf(rows, "run"))
}

// parseAndPlan also makes a plan, because some mistakes show only there.
func (r *root) parseAndPlan(s source, set []string) (*scenarios.Scenario, error) {
	scenario, err := r.parse(s, set)
	if err != nil {
		return nil, err
	}
	if _, err := runner.Compile(scenario, 1); err != nil {
		return nil, err
	}
	return scenario, nil
}

func findings(err error) []finding {
	var d scenarios.Diagnostics
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &d):
		return []finding{{Message: err.Error()}}
	}
	out := make([]finding, 0, len(d))
	for _, x := range d {
		out = append(out, finding{x.Line, x.Column, x.Where, x.Message, x.Hint})
	}
	return out
}

// inShort is a scenario in a line.
func inShort(s *scenarios.Scenario) string {
	faults := 0
	for _, p := range s.Phases {
		faults += len(p.Faults)
	}
	return fmt.Sprintf("%s, %s of %s, %s, %s", s.Name, countOf(s.System.Nodes, "node"), systemName(s),
		countOf(len(s.Phases), "phase"), countOf(faults, "fault"))
}

// systemName is the system with its version, or its image.
func systemName(s *scenarios.Scenario) string {
	if s.System.Use == "" {
		return s.System.Image
	}
	return strings.TrimSpace(s.System.Use + " " + s.System.Version)
}
