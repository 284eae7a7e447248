package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (r *root) completion() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print a script that completes commands, scenarios and runs in your shell",
		Example: `  source <(shakedown completion bash)
  shakedown completion zsh > "${fpath[1]}/_shakedown"
  shakedown completion fish > ~/.config/fish/completions/shakedown.fish
  shakedown completion powershell | Out-String | Invoke-Expression`,
		Args:      r.arguments(1, 1),
		ValidArgs: shells,
		RunE: func(_ *cobra.Command, args []string) error {
			switch args[0] {
			case "bash":
				return r.command.GenBashCompletionV2(r.env.Stdout, true)
			case "zsh":
				return r.command.GenZshCompletion(r.env.Stdout)
			case "fish":
				return r.command.GenFishCompletion(r.env.Stdout, true)
			case "powershell":
				return r.command.GenPowerShellCompletionWithDesc(r.env.Stdout)
			}
			hint := didYouMean(args[0], shells)
			if hint == "" {
				hint = "there are " + oneOf(shells)
			}
			return usage(fmt.Errorf("there is no completion for the shell %q", args[0]), hint)
		},
	}
}
