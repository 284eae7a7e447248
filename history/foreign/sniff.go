package foreign

import (
	"bytes"
	"path"
	"regexp"
	"strings"

	"github.com/shakedown-dev/shakedown/history/edn"
)

// Sniff tells the format of a file by its first bytes, and by its name where
// they could be several's or nobody's. It does not promise that the rest
// follows.
func Sniff(first []byte, name string) Format {
	first = bytes.TrimPrefix(first, []byte("\xef\xbb\xbf"))
	line := firstLine(first)
	switch {
	case bytes.HasPrefix(first, []byte(edn.Ours)):
		return ShakedownEDN
	case len(line) == 0 && bytes.HasPrefix(bytes.TrimSpace(first), []byte(";")):
		return JepsenEDN
	case len(line) == 0:
		return byName(name)
	case bytes.HasPrefix(line, []byte("# @object")) || matches(`^\[\d+\]\s+(call|return)\b`, line):
		return LiMo
	case isLogged(first):
		return JepsenLog
	case matches(`^[rw]\(`, line):
		return Plume
	case matches(`^([rw]\s+\d+\s+\d+|=+|-+)$`, line):
		return AWDIT
	case matches(`^([A-Za-z_]+\s+-?\d+\s+\d+\s+\d+|\d+\s+\d+\s+\d+\s+[A-Za-z_]+\b.*|\d+\s+[A-Za-z_]+\s+-?\d+\s+\d+\s+\d+)$`, line):
		return LeeMathur
	}
	if structured := bracketed(first); structured != Unknown {
		return structured
	}
	return byName(name)
}

// firstLine returns the first line that says something: no blank one, no
// comment in any format's way, except LiMo's that names the object.
func firstLine(text []byte) []byte {
	var comment []byte
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		text = rest
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == ';' {
			continue
		}
		if bytes.HasPrefix(line, []byte("# ")) && !bytes.HasPrefix(line, []byte("# @object")) {
			comment = line
			continue
		}
		return line
	}
	return comment
}

// isLogged reports whether a line near the beginning is one of Jepsen's log.
func isLogged(text []byte) bool {
	return matches(`(?m)^([^{}"\n]*[ \t])?(\d+|:nemesis)[ \t]+:(invoke|ok|fail|info)[ \t]+:\S+[ \t]+\S`, text)
}

// bracketed tells apart what begins with a bracket or a comment of EDN.
func bracketed(text []byte) Format {
	switch {
	case matches(`^\s*\[?\s*\{\s*"`, text):
		if bytes.Contains(firstLine(text), []byte(`"time_ns"`)) {
			return Shakedown
		}
		return JepsenJSON
	case matches(`^\s*\[\s*\]?\s*$`, text):
		return JepsenEDN
	case matches(`^(\s|;[^\n]*\n)*\{[^}]*:f\s+:(get|put|append)\b[^}]*[\s,]:key\s`, text):
		return PorcupineKV
	case matches(`^(\s|;[^\n]*(\n|$))*([\[({]|#[_a-zA-Z])`, text):
		return JepsenEDN
	}
	return Unknown
}

func matches(pattern string, text []byte) bool {
	return regexp.MustCompile(pattern).Match(text)
}

// byName guesses by the end of the name.
func byName(name string) Format {
	switch strings.ToLower(path.Ext(name)) {
	case ".jsonl":
		return Shakedown
	case ".edn":
		return JepsenEDN
	case ".json":
		return JepsenJSON
	case ".hist":
		return LiMo
	}
	return Unknown
}
