package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// A build says which program this is.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Time     string `json:"commit_time,omitempty"`
	Modified bool   `json:"modified,omitempty"` // built from files that no commit has
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// thisBuild reads what the linker wrote into the program. Without version
// control (as under "go run") the commit is empty.
func thisBuild() build {
	b := build{Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" {
		b.Version = v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// String is one line for people.
func (b build) String() string {
	s := fmt.Sprintf("shakedown %s %s %s", b.Version, b.Platform, b.Go)
	if b.Commit == "" {
		return s
	}
	s += " commit " + b.Commit
	if b.Modified {
		s += " with uncommitted changes"
	}
	return s
}

func (r *root) version() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "version",
		Short:   "Print which shakedown this is",
		Example: "  shakedown version --json",
		Args:    r.arguments(0, 0),
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return printJSON(r.env.Stdout, thisBuild())
			}
			_, err := fmt.Fprintln(r.env.Stdout, thisBuild())
			return err
		},
	}
	jsonFlag(c, &asJSON)
	return c
}

// jsonFlag adds --json to c.
func jsonFlag(c *cobra.Command, target *bool) {
	c.Flags().BoolVar(target, "json", false, "print JSON instead of text")
}
