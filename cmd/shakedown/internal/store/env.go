package store

import (
	"regexp"
	"slices"
)

// safeEnv are the variables that may be stored: where docker is, how Go builds,
// and which job of which continuous integration it was.
func safeEnv() []string {
	return []string{
		"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_API_VERSION", "GOPROXY", "GOFLAGS", "GOTOOLCHAIN", "GOMAXPROCS", "GOMEMLIMIT", "TZ", "LANG", "CI",
		"GITHUB_REPOSITORY", "GITHUB_REF", "GITHUB_SHA", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB", "CI_PROJECT_PATH", "CI_COMMIT_SHA", "CI_JOB_ID", "BUILD_NUMBER",
	}
}

// SafeEnv reads those variables that may be stored, by getenv. A password in
// an address is left out.
func SafeEnv(getenv func(string) string) map[string]string {
	out := map[string]string{}
	inAddress := regexp.MustCompile(`//[^/,|@]*@`)
	for _, name := range slices.Sorted(slices.Values(safeEnv())) {
		if value := getenv(name); value != "" {
			out[name] = inAddress.ReplaceAllString(value, "//…@")
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
