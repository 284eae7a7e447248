package report

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
)

// assets are the page's own files, which are put into it when it is written.
//
//go:embed page
var assets embed.FS

// scripts are the parts of the page's script in their order: each uses only
// those before it, and all share one scope.
func scripts() []string {
	return []string{"decode.js", "format.js", "view.js", "bins.js", "faults.js", "charts.js", "lanes.js", "detail.js", "table.js", "main.js"}
}

// script joins the parts into one text.
func script() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("\n(function () {\n\"use strict\";\n")
	for _, name := range scripts() {
		text, err := assets.ReadFile("page/" + name)
		if err != nil {
			return nil, fmt.Errorf("read the page's script: %w", err)
		}
		b.Write(text)
	}
	b.WriteString("})();\n")
	return b.Bytes(), nil
}

// policy is what the browser may do for the page: show it and run the one
// script that is ours, told by its digest. Should a value ever come through
// unescaped, it still cannot run.
func policy() (string, error) {
	text, err := script()
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256(text)
	return "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; script-src 'sha256-" +
		base64.StdEncoding.EncodeToString(digest[:]) + "'", nil
}
