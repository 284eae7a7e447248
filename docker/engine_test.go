package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fakeEngine answers pings as the engine of a version would.
func fakeEngine(t *testing.T, api, osType string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", api)
		w.Header().Set("Ostype", osType)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"Version":"1.2.3","Arch":"amd64","Os":"linux","KernelVersion":"9.9"}`)
	}))
	t.Cleanup(s.Close)
	return "tcp://" + s.Listener.Addr().String()
}

func TestOpenSaysWhatToDo(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for _, c := range []struct{ name, host, says, hint string }{
		{"no socket", "unix://" + filepath.Join(t.TempDir(), "none.sock"), "annot connect", "start it"},
		{"refused", "tcp://" + closed.Addr().String(), "annot connect", "DOCKER_HOST"},
		{"malformed", "nonsense", "unable to parse docker host", "unix:///var/run/docker.sock"},
		{"too old", fakeEngine(t, "1.40", "linux"), "1.40", "20.10 or newer"},
		{"windows", fakeEngine(t, "1.51", "windows"), "windows containers", "linux containers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("DOCKER_HOST", c.host)
			_, err := Open(t.Context())
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want an *Error", err)
			}
			if !strings.Contains(e.Error(), c.says) || !strings.Contains(e.Hint, c.hint) {
				t.Errorf("got %q with hint %q, want %q and %q in them", e, e.Hint, c.says, c.hint)
			}
		})
	}
}

func TestOpenAgreesOnAVersion(t *testing.T) {
	t.Setenv("DOCKER_HOST", fakeEngine(t, "1.41", "linux"))
	e, err := Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if got := e.Info(); got.API != "1.41" || got.Version != "1.2.3" || got.Arch != "amd64" {
		t.Errorf("got %+v", got)
	}
}

func TestOpenHintForRights(t *testing.T) {
	// Tests run as root, whom no socket refuses; these are the errors that
	// others get.
	for _, err := range []error{
		&net.OpError{Op: "dial", Err: fs.ErrPermission},
		errors.New("permission denied while trying to connect to the Docker daemon socket"),
	} {
		if hint := openHint(err, "unix:///x"); !strings.Contains(hint, "group") {
			t.Errorf("%v: hint %q", err, hint)
		}
	}
	if hint := openHint(errors.New("out of cheese"), ""); hint != "" {
		t.Errorf("an unknown error got the hint %q", hint)
	}
}

func TestErrorKeepsTheInnerHint(t *testing.T) {
	inner := failed(errors.New("no"), "try this", "do %s", "that")
	outer := failed(fmt.Errorf("wrapped: %w", inner), "", "do more")
	var e *Error
	if !errors.As(outer, &e) || e.Hint != "try this" || e.Error() != "do more: wrapped: do that: no" {
		t.Errorf("got %v, hint %q", outer, e.Hint)
	}
	if failed(nil, "hint", "doing") != nil {
		t.Error("no error became one")
	}
}

func TestStepOutlivesItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	during, done, err := step(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	cancel()
	if during.Err() != nil {
		t.Error("the step ended with the context")
	}
	if deadline, ok := during.Deadline(); !ok || time.Until(deadline) > stepLimit {
		t.Error("the step has no deadline")
	}
	if _, _, err := step(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a step began after the end: %v", err)
	}
}
