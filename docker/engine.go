// Package docker runs clusters on a docker engine: it makes the nodes' images
// without a registry, starts nodes on a network of their own with addresses
// that survive a restart, keeps the agent beside them, and takes everything
// away again.
//
// [Open] connects to the engine, [Engine.Image] makes an image out of a Go
// program, [Engine.Up] starts a [Cluster], [Cluster.Down] removes it, and
// [Engine.Sweep] removes what a program that was killed left behind. All that
// this package makes bears the label "shakedown"; what does not bear it is
// never touched.
//
// Every error that the engine or this host is to blame for is an [*Error],
// with a hint where one exists.
package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/docker/docker/api/types/versions"
	"github.com/docker/docker/client"
)

const (
	// minAPI is docker 20.10's. Older engines lack the choice of the cgroup
	// namespace, which the agent needs.
	minAPI = "1.41"
	// openLimit bounds how long an engine may take to answer at all.
	openLimit = 10 * time.Second
	// stepLimit bounds one change that the engine is asked for.
	stepLimit = 60 * time.Second
)

// An Error is trouble with the environment: the engine, an image, this host.
// It says nothing about the system under test.
type Error struct {
	// Doing is what was tried, in lower case: "start node n3".
	Doing string
	// Hint is what to do about it; empty if nothing is known.
	Hint string
	// Err is what went wrong. It is never nil.
	Err error
}

// Error returns what was tried and why it failed, without the hint.
func (e *Error) Error() string { return e.Doing + ": " + e.Err.Error() }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// failed makes an [*Error] of err. An Error that is in err already keeps its
// hint, unless a new one is given.
func failed(err error, hint, format string, args ...any) error {
	if err == nil {
		return nil
	}
	var inner *Error
	if hint == "" && errors.As(err, &inner) {
		hint = inner.Hint
	}
	return &Error{Doing: fmt.Sprintf(format, args...), Hint: hint, Err: err}
}

// An Engine is a docker engine that answers and is new enough. Its methods may
// be used from several goroutines.
type Engine struct {
	api client.APIClient
	// arch is the engine's processor, as Go calls it.
	arch string
	info Info
}

// Info is what a run's folder keeps about the engine.
type Info struct {
	Version string `json:"version"` // of the engine, for example "20.10.24"
	API     string `json:"api"`     // the version spoken, for example "1.41"
	Kernel  string `json:"kernel"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
	Host    string `json:"host"` // how the engine was reached
}

// Open connects to the engine that DOCKER_HOST or docker's context names, or to
// the one on this machine, and agrees with it on a version. The error, an [*Error], tells
// apart an engine that is not there, one that may not be used and one that is
// too old, and says what to do.
func Open(ctx context.Context) (*Engine, error) {
	how, err := options()
	if errors.Is(err, errRemote) {
		return nil, failed(err, elsewhereHint, "connect to docker")
	}
	if err != nil {
		return nil, failed(err, "docker context ls shows the contexts that there are", "connect to docker")
	}
	return connect(ctx, "connect to docker", "is DOCKER_HOST set to something like unix:///var/run/docker.sock?", how)
}

// A Location is where an engine is, for [OpenAt].
type Location struct {
	// URL is unix:///path, tcp://host:port, or ssh://user@host.
	URL string
	// Certificates is a directory with ca.pem, cert.pem and key.pem, for tcp
	// with TLS; empty for none.
	Certificates string
	// Dial opens a connection to the engine, where URL cannot be dialled, as
	// with ssh; nil where it can.
	Dial func(context.Context) (net.Conn, error)
}

// OpenAt is [Open] for the engine at a place.
func OpenAt(ctx context.Context, l Location) (*Engine, error) {
	how := []client.Opt{client.WithAPIVersionNegotiation()}
	switch {
	case l.Dial != nil:
		// The name in the URL is for messages: Dial knows where to go.
		how = append(how, client.WithHost("tcp://"+strings.TrimPrefix(l.URL, "ssh://")),
			client.WithDialContext(func(ctx context.Context, _, _ string) (net.Conn, error) { return l.Dial(ctx) }))
	default:
		how = append(how, client.WithHost(l.URL))
	}
	if dir := l.Certificates; dir != "" {
		how = append(how, client.WithTLSClientConfig(
			filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")))
	}
	return connect(ctx, "connect to docker at "+l.URL, "engines are given as unix:///path, tcp://host:port or ssh://user@host", how)
}

func connect(ctx context.Context, doing, hint string, how []client.Opt) (*Engine, error) {
	api, err := client.NewClientWithOpts(how...)
	if err != nil {
		return nil, failed(err, hint, "%s", doing)
	}
	e, err := open(ctx, api)
	if err != nil {
		_ = api.Close() // the error that matters is the first one
		return nil, failed(err, openHint(err, api.DaemonHost()), "%s", doing)
	}
	return e, nil
}

func open(ctx context.Context, api client.APIClient) (*Engine, error) {
	ctx, cancel := context.WithTimeout(ctx, openLimit)
	defer cancel()
	ping, err := api.Ping(ctx)
	if err != nil {
		return nil, err
	}
	if ping.OSType != "" && ping.OSType != "linux" {
		return nil, fmt.Errorf("the engine runs %s containers, and nodes need linux", ping.OSType)
	}
	api.NegotiateAPIVersionPing(ping)
	if versions.LessThan(api.ClientVersion(), minAPI) {
		return nil, fmt.Errorf("%w: it speaks API %s, and %s (docker 20.10) is needed", errTooOld, api.ClientVersion(), minAPI)
	}
	v, err := api.ServerVersion(ctx)
	if err != nil {
		return nil, err
	}
	return &Engine{api: api, arch: v.Arch, info: Info{
		Version: v.Version, API: api.ClientVersion(), Kernel: v.KernelVersion,
		OS: v.Os, Arch: v.Arch, Host: api.DaemonHost(),
	}}, nil
}

// errTooOld is why an engine of before 20.10 is refused.
var errTooOld = errors.New("the engine is too old")

// openHint says what to do when no engine could be opened at host.
func openHint(err error, host string) string {
	says := err.Error()
	switch {
	case errors.Is(err, errTooOld):
		return "install docker 20.10 or newer, or point DOCKER_HOST at an engine that is; if DOCKER_API_VERSION is set, unset it"
	case errors.Is(err, fs.ErrPermission), strings.Contains(says, "permission denied"):
		return "add yourself to the group of the socket (sudo usermod -aG docker $USER, then log in again), or run this as root"
	case strings.Contains(says, "linux"):
		return "switch the engine to linux containers"
	case errors.Is(err, context.DeadlineExceeded):
		return "the engine at " + host + " accepts connections and does not answer: is it starting, or hanging?"
	case client.IsErrConnectionFailed(err), errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ECONNREFUSED):
		return "install docker or start it (sudo systemctl start docker); if it listens elsewhere, set DOCKER_HOST, " +
			"for example unix://$XDG_RUNTIME_DIR/docker.sock for a rootless one"
	}
	return ""
}

// Info returns what is known about the engine.
func (e *Engine) Info() Info { return e.info }

// elsewhere says whether a network may be between us and the engine.
func (e *Engine) elsewhere() bool { return !strings.HasPrefix(e.api.DaemonHost(), "unix://") }

// Close releases the connections to the engine. It removes nothing.
func (e *Engine) Close() error { return e.api.Close() }

// step returns the context for one change that the engine is asked for. It
// ends with the step, not with ctx: the engine finishes what it has begun
// even when nobody waits for it, so a change that we stopped waiting for
// could appear after everything was removed. Between steps, ctx counts.
func step(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	stepCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepLimit)
	return stepCtx, cancel, nil
}
