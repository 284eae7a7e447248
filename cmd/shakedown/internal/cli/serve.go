package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/serve"
)

// servePort is where serve listens if nobody says otherwise.
const servePort = 7420

func (r *root) serve() *cobra.Command {
	var out string
	var port int
	c := &cobra.Command{
		Use:   "serve",
		Short: "Show all runs in a browser, on this machine only",
		Long: `Serve shows the runs in a browser: a list to search, their reports, a run in progress
as it goes, two runs side by side, and each run as one zip. It only reads, it listens
on 127.0.0.1 alone, and it answers no page but its own. It ends at Ctrl-C.`,
		Example: "  shakedown serve\n  shakedown serve --out runs --port 0",
		Args:    r.arguments(0, 0),
		RunE:    func(c *cobra.Command, _ []string) error { return r.serveRuns(c.Context(), out, port) },
	}
	c.Flags().IntVar(&port, "port", servePort, "the port on 127.0.0.1 (0: any that is free)")
	outFlag(c, &out)
	return c
}

// serveRuns answers until ctx is done.
func (r *root) serveRuns(ctx context.Context, out string, port int) error {
	if info, err := os.Stat(out); err != nil || !info.IsDir() {
		return usage(fmt.Errorf("there is no folder %s with runs", out), "shakedown run makes one, or name another with --out")
	}
	handler, err := serve.Handler(out, serve.Options{Now: r.env.Now, Bundle: r.packFolder})
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return usage(fmt.Errorf("listen: %w", err), "--port 0 takes any port that is free")
	}
	fmt.Fprintf(r.env.Stdout, "http://%s/\n", listener.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		stopped <- server.Shutdown(last)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	if err := <-stopped; err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop serving: %w", err)
	}
	return nil
}
