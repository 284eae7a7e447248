package cli

import (
	"strings"
	"unicode"
)

// oneLine makes text from elsewhere fit for a line of a terminal: whatever
// could end the line or move the cursor becomes a space.
func oneLine(text string) string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	return strings.TrimSpace(clean)
}
