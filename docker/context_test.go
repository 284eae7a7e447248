package docker

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writeContext makes a context as `docker context create` does.
func writeContext(t *testing.T, dir, name, meta string) string {
	t.Helper()
	sum := sha256.Sum256([]byte(name))
	id := hex.EncodeToString(sum[:])
	writeFile(t, filepath.Join(dir, "contexts", "meta", id, "meta.json"), meta)
	return id
}

func writeFile(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestContexts(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "config.json"), `{"auths": {}, "currentContext": "lab"}`)
	writeContext(t, dir, "lab", `{"Name": "lab", "Endpoints": {"docker": {"Host": "tcp://127.0.0.1:9"}}}`)
	secure := writeContext(t, dir, "secure", `{"Endpoints": {"docker": {"Host": "tcp://127.0.0.1:8"}}}`)
	writeFile(t, filepath.Join(dir, "contexts", "tls", secure, "docker", "ca.pem"), "")
	writeContext(t, dir, "empty", `{}`)
	writeContext(t, dir, "broken", `{`)
	for name, want := range map[string]place{
		"":        {host: "tcp://127.0.0.1:9"},
		"default": {},
		"secure":  {host: "tcp://127.0.0.1:8", tls: filepath.Join(dir, "contexts", "tls", secure, "docker")},
	} {
		if got, err := currentContext(dir, name); err != nil || got != want {
			t.Errorf("context %q: %+v, %v; want %+v", name, got, err, want)
		}
	}
	for name, says := range map[string]string{"none": `context "none"`, "empty": "names no engine", "broken": `context "broken"`} {
		if _, err := currentContext(dir, name); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("context %q: %v, want %q", name, err, says)
		}
	}
	if got, err := currentContext(t.TempDir(), ""); err != nil || got != (place{}) {
		t.Errorf("without any configuration: %+v, %v", got, err)
	}
}

// An engine that is reached over SSH is on another machine, whose nodes cannot be
// reached from here: it is refused, with what to do, and not looked up as a name.
func TestOpenRefusesAnEngineOverSSH(t *testing.T) {
	dir := t.TempDir()
	writeContext(t, dir, "lab", `{"Endpoints": {"docker": {"Host": "ssh://me@192.0.2.8"}}}`)
	t.Setenv("DOCKER_CONFIG", dir)
	for name, environ := range map[string][2]string{"DOCKER_HOST": {"ssh://me@192.0.2.8", ""}, "a context": {"", "lab"}} {
		t.Setenv("DOCKER_HOST", environ[0])
		t.Setenv("DOCKER_CONTEXT", environ[1])
		_, err := Open(t.Context())
		var told *Error
		if !errors.Is(err, errRemote) || !errors.As(err, &told) || !strings.Contains(told.Hint, "engines: [ssh://") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The engine of the chosen context is asked, unless DOCKER_HOST names one.
func TestOpenFollowsTheContext(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "config.json"), `{"currentContext": "lab"}`)
	writeContext(t, dir, "lab", `{"Endpoints": {"docker": {"Host": "`+fakeEngine(t, "1.41", "linux")+`"}}}`)
	t.Setenv("DOCKER_CONFIG", dir)
	t.Setenv("DOCKER_CONTEXT", "")
	t.Setenv("DOCKER_HOST", "")
	e, err := Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if e.Info().Version != "1.2.3" {
		t.Errorf("another engine was asked: %+v", e.Info())
	}
	t.Setenv("DOCKER_HOST", fakeEngine(t, "1.40", "linux"))
	if _, err := Open(t.Context()); err == nil || !strings.Contains(err.Error(), "1.40") {
		t.Errorf("DOCKER_HOST does not count more: %v", err)
	}
}
