package nemesis

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"time"
)

// stepOutput is how much of an output or an answer is kept, in bytes.
const stepOutput = 64 << 10

// A bounded buffer keeps the beginning of what is written to it.
type bounded struct{ kept strings.Builder }

// Write takes everything and keeps what there is room for. It never fails.
func (b *bounded) Write(p []byte) (int, error) {
	if room := stepOutput - b.kept.Len(); room > 0 {
		b.kept.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (b *bounded) String() string { return b.kept.String() }

// runHere runs a command on this machine. What it printed is in the error, too.
func runHere(ctx context.Context, command []string) (string, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	var out bounded
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second // a child that holds its output open is not waited for
	err := cmd.Run()
	if ctx.Err() != nil {
		return out.String(), fmt.Errorf("it has not ended in time: %w", context.Cause(ctx))
	}
	if err != nil {
		return out.String(), fmt.Errorf("%w%s", err, said(out.String()))
	}
	return out.String(), nil
}

// call makes an HTTP call without a proxy and follows no redirect.
func call(ctx context.Context, method, url, body string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	answer, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, stepOutput))
	if err != nil {
		return string(text), err
	}
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return string(text), fmt.Errorf("it answers %s%s", answer.Status, said(string(text)))
	}
	return string(text), nil
}
