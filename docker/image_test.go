package docker

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func TestImageIsBuiltOnce(t *testing.T) {
	e := engine(t)
	goHere(t)
	unique := time.Now().Format(time.RFC3339Nano)
	b := Build{Recipe: "test-once", Version: "1", Binary: "/bin/once",
		Source: fstest.MapFS{"main.go": {Data: []byte("package main\n\nfunc main() { println(`" + unique + "`) }\n")}}}
	built, err := e.Image(t.Context(), b, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.removeImage(context.Background(), built.ID); err != nil {
			t.Error(err)
		}
	})
	again, err := e.Image(t.Context(), b, func(s string) { t.Error("built again: ", s) })
	if err != nil {
		t.Fatal(err)
	}
	if built.Cached || !again.Cached || built.Ref != again.Ref || built.ID != again.ID {
		t.Errorf("first %+v, then %+v", built, again)
	}
	b.Source = fstest.MapFS{"main.go": {Data: []byte("package main\n\nfunc main() { what }\n")}}
	if _, err := e.Image(t.Context(), b, nil); err == nil {
		t.Error("another source was taken for the same")
	}
}

func TestImageThatCannotBeBuilt(t *testing.T) {
	e := engine(t)
	goHere(t)
	_, err := e.Image(t.Context(), Build{
		Recipe: "etcd", Version: "3.5.99999", Module: "go.etcd.io/etcd/server/v3", ModuleVersion: "v3.5.99999", Binary: "/etcd",
	}, nil)
	var known *Error
	if !errors.As(err, &known) || known.Hint == "" || !strings.Contains(err.Error(), "v3.5.99999") ||
		!strings.Contains(err.Error(), "build image for etcd 3.5.99999") {
		t.Errorf("got %v", err)
	}
}

func TestImageNamesThatCannotBe(t *testing.T) {
	e := engine(t)
	for ref, hint := range map[string]string{
		"Not A Name": "name:tag",
		"":           "",
		"localhost:1/shakedown-test/no-such-image:1": "docker load",
	} {
		s := abdSpec(runName(t), Image{Ref: ref}, 1)
		_, err := e.Up(t.Context(), s, nil)
		var known *Error
		if !errors.As(err, &known) || !strings.Contains(known.Hint, hint) {
			t.Errorf("%q: got %v", ref, err)
		}
		nothingLeft(t, e, s.Run)
	}
}

func TestAskOnceLeavesNothing(t *testing.T) {
	e := engine(t)
	run := runName(t)
	reply, err := e.AskOnce(t.Context(), run, hello())
	if err != nil || reply.Evidence == "" {
		t.Errorf("got %+v, %v", reply, err)
	}
	nothingLeft(t, e, run)
}

func TestAgentThatDoesNotSpeak(t *testing.T) {
	e := engine(t)
	t.Setenv(agentVariable, staticProgram(t, e.arch)) // ends at once, without a word
	run := runName(t)
	_, err := e.AskOnce(t.Context(), run, hello())
	var known *Error
	if !errors.As(err, &known) || !strings.Contains(known.Hint, "doctor") {
		t.Errorf("got %v", err)
	}
	nothingLeft(t, e, run)
}
