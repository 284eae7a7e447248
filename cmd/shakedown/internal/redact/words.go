package redact

import (
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Redacted stands where a value was that nobody may see.
const Redacted = "redacted"

// secretPattern is what options and headers are called whose values are
// nobody's business.
var secretPattern = regexp.MustCompile(`(?i)pass|secret|token|key|auth|cred|cookie`)

// harmless are the variables of an environment whose values are no secret.
func harmless() []string {
	return []string{"PATH", "HOME", "HOSTNAME", "LANG", "LC_ALL", "TZ", "TERM", "GODEBUG", "GOGC", "GOMAXPROCS", "GOMEMLIMIT", "JAVA_HOME"}
}

// Harmless tells whether the value of a variable of an environment may be kept.
func Harmless(name string) bool { return slices.Contains(harmless(), name) }

// Environment is an environment of which only harmless values are left.
func Environment(env map[string]string) map[string]string {
	if env == nil {
		return nil
	}
	out := make(map[string]string, len(env))
	for name, value := range env {
		if !Harmless(name) {
			value = Redacted
		}
		out[name] = value
	}
	return out
}

// Command is a command line without the values of options that sound like
// secrets, without what it sets in an environment or a header, and without
// where on the machine files are.
func Command(args []string) []string {
	var out []string
	hide := false
	for _, arg := range args {
		set, rest, isSet := strings.Cut(arg, "=")
		if isSet && set == "--set" {
			out = append(out, "--set="+Command([]string{rest})[0])
			continue
		}
		name, value, has := set, rest, isSet
		secret := secretPattern.MatchString(name) || strings.Contains(name, ".env.") || strings.Contains(name, ".header.")
		switch {
		case hide:
			arg = Redacted
		case has && secret:
			arg = name + "=" + Redacted
		case has && strings.HasPrefix(value, "/"):
			arg = name + "=" + path.Base(value)
		case filepath.IsAbs(arg):
			arg = filepath.Base(arg)
		}
		hide = !has && secret && strings.HasPrefix(arg, "-")
		out = append(out, arg)
	}
	return out
}
