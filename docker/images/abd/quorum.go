package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// ask returns the versions that a majority has of the key, one a node.
func (n *node) ask(ctx context.Context, key string) ([]version, error) {
	return n.quorum(ctx, n.store.get(key), func(ctx context.Context, peer string) (version, error) {
		return n.fetch(ctx, peer, key)
	})
}

// spread returns when a majority has v, or something newer.
func (n *node) spread(ctx context.Context, key string, v version) error {
	if err := n.store.put(key, v); err != nil {
		return err
	}
	_, err := n.quorum(ctx, v, func(ctx context.Context, peer string) (version, error) {
		return v, n.send(ctx, peer, key, v)
	})
	return err
}

// quorum calls all peers at a time and returns when, with this node's own
// answer, a majority has answered, or cannot any more. The calls that are under
// way then go on until their timeout: a slow replica should get its copy, too.
func (n *node) quorum(ctx context.Context, own version, call func(context.Context, string) (version, error)) ([]version, error) {
	answers := make(chan answer, len(n.peers))
	for _, peer := range n.peers {
		n.late.Go(func() {
			callCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), n.timeout)
			defer cancel()
			v, err := call(callCtx, peer)
			answers <- answer{v, err}
		})
	}
	got, failed := []version{own}, 0
	for len(got) < n.majority() {
		select {
		case a := <-answers:
			if a.err == nil {
				got = append(got, a.version)
			} else if failed++; len(n.peers)+1-failed < n.majority() {
				return nil, fmt.Errorf("%w: %w", errNoMajority, a.err)
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %d of the %d needed", errNoMajority, len(got), n.majority())
		}
	}
	return got, nil
}

// An answer is what came of one call.
type answer struct {
	version version
	err     error
}

func (n *node) fetch(ctx context.Context, peer, key string) (version, error) {
	body, err := n.exchange(ctx, http.MethodGet, peer, key, nil)
	if err != nil {
		return version{}, err
	}
	var v version
	return v, json.Unmarshal(body, &v)
}

func (n *node) send(ctx context.Context, peer, key string, v version) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = n.exchange(ctx, http.MethodPut, peer, key, body)
	return err
}

func (n *node) exchange(ctx context.Context, method, peer, key string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, peer+"/peer/"+url.PathEscape(key), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	response, err := n.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 8*maxValue))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s", peer, response.Status)
	}
	return text, err
}

func (n *node) servePeerRead(w http.ResponseWriter, r *http.Request) {
	_ = json.NewEncoder(w).Encode(n.store.get(r.PathValue("key"))) // a peer that went away has no use for it
}

func (n *node) servePeerWrite(w http.ResponseWriter, r *http.Request) {
	var v version
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 8*maxValue)).Decode(&v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := n.store.put(r.PathValue("key"), v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
