package cli

import (
	"encoding/json"
	"fmt"
	"io"
)

// printJSON writes v as one indented document.
func printJSON(w io.Writer, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s\n", b)
	return err
}

// printLines writes each value as JSON on a line of its own.
func printLines[T any](w io.Writer, values []T) error {
	encoder := json.NewEncoder(w)
	for _, v := range values {
		if err := encoder.Encode(v); err != nil {
			return fmt.Errorf("encode the answer: %w", err)
		}
	}
	return nil
}
