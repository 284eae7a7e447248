package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// A store is what one node holds. Every change is on disk before it is told to
// anybody: a node that forgot what it has promised would break its majority.
type store struct {
	mu   sync.Mutex
	held map[string]version
	log  *os.File // nil: in memory only
	// broken is the first error of the log. After it nothing is taken any
	// more, since nobody knows what the log holds.
	broken error
}

type record struct {
	Key string `json:"key"`
	version
}

// openStore reads back what the directory holds; an empty name is for a store
// in memory, which must not be restarted.
func openStore(dir string) (*store, error) {
	s := &store{held: map[string]version{}}
	if dir == "" {
		return s, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(dir, "abd.log"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	s.log = log
	return s, s.recover()
}

// recover reads the log. A last line that was cut short by a crash was never
// told to anybody; it is cut off.
func (s *store) recover() error {
	text, err := io.ReadAll(s.log)
	if err != nil {
		return err
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	for _, line := range bytes.Split(bytes.TrimSpace(text[:whole]), []byte("\n")) {
		var r record
		if len(line) == 0 {
			continue
		}
		if err := json.Unmarshal(line, &r); err != nil {
			return fmt.Errorf("abd.log is damaged: %w", err)
		}
		if r.newerThan(s.held[r.Key]) {
			s.held[r.Key] = r.version
		}
	}
	if err := s.log.Truncate(int64(whole)); err != nil {
		return err
	}
	_, err = s.log.Seek(int64(whole), io.SeekStart)
	return err
}

func (s *store) get(key string) version {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[key]
}

// put takes v unless something newer is held.
func (s *store) put(key string, v version) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.take(key, v)
}

// issue makes a new version of key, newer than seen and than what is held, and
// holds it. Since it is held before anybody else hears of it, this node never
// gives two values the same version, not even after a crash.
func (s *store) issue(key, name, value string, seen uint64) (version, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := version{Counter: max(seen, s.held[key].Counter) + 1, Node: name, Value: value}
	return v, s.take(key, v)
}

func (s *store) take(key string, v version) error {
	if s.broken != nil || !v.newerThan(s.held[key]) {
		return s.broken
	}
	if s.broken = s.append(record{key, v}); s.broken != nil {
		return s.broken
	}
	s.held[key] = v
	return nil
}

func (s *store) append(r record) error {
	if s.log == nil {
		return nil
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if _, err := s.log.Write(append(line, '\n')); err != nil {
		return err
	}
	return s.log.Sync()
}
