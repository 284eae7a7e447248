package docker

import (
	"strings"
	"testing"
)

// Without this a token that an image carries would be in every bundle.
func TestInspectWithoutSecrets(t *testing.T) {
	got, err := withoutSecrets([]byte(`{"Id":"x","Config":{"Env":["PATH=/bin","API_TOKEN=hunter2","EMPTY"],"Image":"i"},"State":{"ExitCode":137}}`))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(got), "hunter2") {
		t.Errorf("the token is there:\n%s", got)
	}
	for _, part := range []string{`"PATH=/bin"`, `"API_TOKEN=(not stored)"`, `"ExitCode": 137`, `"Image": "i"`} {
		if !strings.Contains(string(got), part) {
			t.Errorf("%s is missing:\n%s", part, got)
		}
	}
	if _, err := withoutSecrets([]byte(`no`)); err == nil {
		t.Error("what is no JSON was taken")
	}
}
