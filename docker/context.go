package docker

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/docker/docker/client"
)

// options say how to reach the engine: as the environment says (DOCKER_HOST,
// DOCKER_TLS_VERIFY, DOCKER_CERT_PATH), else as the context does that
// DOCKER_CONTEXT names or that `docker context use` has chosen, else at the
// usual place. Those are docker's own rules.
func options() ([]client.Opt, error) {
	env := []client.Opt{client.FromEnv, client.WithAPIVersionNegotiation()}
	if host := os.Getenv("DOCKER_HOST"); host != "" {
		return env, overSSH(host)
	}
	dir := os.Getenv("DOCKER_CONFIG")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return env, nil // nobody's home holds no contexts
		}
		dir = filepath.Join(home, ".docker")
	}
	c, err := currentContext(dir, os.Getenv("DOCKER_CONTEXT"))
	if err != nil || c.host == "" {
		return env, err
	}
	if err := overSSH(c.host); err != nil {
		return nil, err
	}
	out := []client.Opt{client.WithAPIVersionNegotiation(), client.WithVersionFromEnv(), client.WithHost(c.host)}
	if c.tls != "" {
		out = append(out, client.WithTLSClientConfig(
			filepath.Join(c.tls, "ca.pem"), filepath.Join(c.tls, "cert.pem"), filepath.Join(c.tls, "key.pem")))
	}
	return out, nil
}

// overSSH refuses an engine that is reached over SSH, and so is elsewhere, before
// anything tries to.
func overSSH(host string) error {
	if strings.HasPrefix(host, "ssh://") {
		return fmt.Errorf("%s: %w", host, errRemote)
	}
	return nil
}

// A place is where a context says that the engine is.
type place struct {
	host string
	tls  string // the directory of ca.pem, cert.pem and key.pem; empty for none
}

// currentContext reads the context of that name, or the chosen one, in a
// directory of docker's configuration. The place is empty for the context
// "default", which is the environment.
func currentContext(dir, name string) (place, error) {
	if name == "" {
		var config struct{ CurrentContext string }
		if err := readJSON(filepath.Join(dir, "config.json"), &config); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return place{}, fmt.Errorf("read docker's configuration: %w", err)
		}
		name = config.CurrentContext
	}
	if name == "" || name == "default" {
		return place{}, nil
	}
	sum := sha256.Sum256([]byte(name))
	id := hex.EncodeToString(sum[:])
	var meta struct {
		Endpoints map[string]struct{ Host string }
	}
	if err := readJSON(filepath.Join(dir, "contexts", "meta", id, "meta.json"), &meta); err != nil {
		return place{}, fmt.Errorf("read docker's context %q: %w", name, err)
	}
	p := place{host: meta.Endpoints["docker"].Host}
	if tls := filepath.Join(dir, "contexts", "tls", id, "docker"); exists(filepath.Join(tls, "ca.pem")) {
		p.tls = tls
	}
	if p.host == "" {
		return p, fmt.Errorf("docker's context %q names no engine", name)
	}
	return p, nil
}

func readJSON(file string, into any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
