// Command abd is a small replicated register: the algorithm of Attiya,
// Bar-Noy and Dolev for several writers, over HTTP. There is no leader and no
// log. It is here as a system that is not etcd, driven by a scenario alone.
//
//	GET /kv/{key}   200 and the value, or 404 if it was never written
//	PUT /kv/{key}   204 once a majority has the body as the key's value
//	GET /healthz    200 if a majority answers this node
//
// 503 means that nothing was done, for want of a majority; 504 that a write
// has begun and may or may not take effect.
//
// With SLOPPY=1 in the environment a node answers reads from its own copy,
// which is fast, and wrong: this is the bug that a scenario is to find.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "abd:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("abd", flag.ContinueOnError)
	name := flags.String("name", "", "this node's `name`")
	peers := flags.String("peers", "", "all nodes, this one too: `name=http://host:port,…`")
	listen := flags.String("listen", ":8080", "`address` to serve clients and peers on")
	data := flags.String("data", "", "`directory` for the log of what this node holds")
	timeout := flags.Duration("timeout", 800*time.Millisecond, "how long to wait for a majority")
	if err := flags.Parse(args); err != nil {
		return err
	}
	all, err := parsePeers(*peers)
	if err != nil {
		return err
	}
	s, err := openStore(*data)
	if err != nil {
		return err
	}
	n, err := newNode(*name, all, s, *timeout, os.Getenv("SLOPPY") == "1")
	if err != nil {
		return err
	}
	log.Printf("%s serves on %s with %d nodes, sloppy: %v", *name, *listen, len(all), n.sloppy)
	server := &http.Server{Addr: *listen, Handler: n.handler(), ReadHeaderTimeout: 10 * time.Second}
	return server.ListenAndServe()
}

func parsePeers(s string) (map[string]string, error) {
	peers := map[string]string{}
	for entry := range strings.SplitSeq(s, ",") {
		name, url, ok := strings.Cut(entry, "=")
		if !ok || name == "" || peers[name] != "" {
			return nil, fmt.Errorf("peers: %q is not name=http://host:port, or not the only one", entry)
		}
		peers[name] = url
	}
	return peers, nil
}

// maxValue bounds a value, in bytes.
const maxValue = 1 << 20

// handler serves clients and peers.
func (n *node) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /kv/{key}", n.serveRead)
	mux.HandleFunc("PUT /kv/{key}", n.serveWrite)
	mux.HandleFunc("GET /healthz", n.serveHealth)
	mux.HandleFunc("GET /peer/{key}", n.servePeerRead)
	mux.HandleFunc("PUT /peer/{key}", n.servePeerWrite)
	return mux
}

func (n *node) serveRead(w http.ResponseWriter, r *http.Request) {
	v, err := n.read(r.Context(), r.PathValue("key"))
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	case v.Counter == 0:
		http.Error(w, "never written", http.StatusNotFound)
	default:
		_, _ = io.WriteString(w, v.Value) // a client that went away has no use for it
	}
}

func (n *node) serveWrite(w http.ResponseWriter, r *http.Request) {
	value, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxValue))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	err = n.write(r.Context(), r.PathValue("key"), string(value))
	switch {
	case errors.Is(err, errMaybe):
		http.Error(w, err.Error(), http.StatusGatewayTimeout)
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func (n *node) serveHealth(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), n.timeout)
	defer cancel()
	if _, err := n.ask(ctx, "healthz"); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}
