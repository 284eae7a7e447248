package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shakedown-dev/shakedown/checkers/say"
)

// didYouMean is a hint that names the candidate nearest to word, or "" if none
// is near enough to have been meant.
func didYouMean(word string, candidates []string) string {
	near := say.Nearest(word, candidates)
	if near == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", near)
}

// oneOf joins names for a sentence, sorted.
func oneOf(names []string) string {
	sorted := slices.Sorted(slices.Values(names))
	return strings.Join(sorted, ", ")
}
