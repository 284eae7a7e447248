package serve

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	oldRun  = "20261122T101502Z-7f3a91"
	liveRun = "20261122T111502Z-abcdef"
	hostile = `</script><script>alert(1)</script>"'>`
)

// files makes files below a folder, all parents included.
func files(t *testing.T, dir string, content map[string]string) {
	t.Helper()
	for name, text := range content {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// sample is a folder with a judged run, one in progress, and a secret beside it.
func sample(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	files(t, dir, map[string]string{
		"secret.txt":                                        "the secret",
		"runs/kv/" + oldRun + "/run.json":                   `{"format":1,"seed":7,"started":"2026-11-22T10:15:02Z","argv":[]}`,
		"runs/kv/" + oldRun + "/plan.json":                  `{}`,
		"runs/kv/" + oldRun + "/history.jsonl":              historyText,
		"runs/kv/" + oldRun + "/result.json":                `{"format":1,"verdict":"violation","expect":"valid","checks":[{"check":"linearizable","verdict":"violation","says":["Key r1: ` + strings.ReplaceAll(hostile, `"`, `\"`) + `"]}]}`,
		"runs/kv/" + oldRun + "/report.html":                "<!doctype html>the report",
		"runs/kv/" + oldRun + "/nodes/n1/stdout.log":        "<script>alert(1)</script>",
		"runs/kv/" + oldRun + "/nodes/n1/evil.html":         "<script>alert(1)</script>",
		"runs/kv/" + oldRun + "/checks/linearizable/p.html": "<!doctype html>picture",
		"runs/queue/" + liveRun + "/run.json":               `{"format":1,"seed":8,"started":"2026-11-22T11:15:02Z","argv":[]}`,
		"runs/queue/" + liveRun + "/plan.json":              `{}`,
		"runs/queue/" + liveRun + "/history.jsonl":          historyText + `{"index":4,"ti`,
	})
	return filepath.Join(dir, "runs")
}

const historyText = `{"index":0,"time_ns":0,"process":"nemesis","type":"info","f":"phase","value":{"phase":"storm"}}
{"index":1,"time_ns":1000000,"process":0,"type":"invoke","f":"write","key":"r1","value":1,"node":"n1"}
{"index":2,"time_ns":3000000,"process":0,"type":"ok","f":"write","key":"r1","value":1,"node":"n1"}
{"index":3,"time_ns":4000000,"process":"nemesis","type":"info","f":"kill","value":{"id":"storm/kill#1","stage":"inject","nodes":["n2"]}}
`

// handler answers for root as if it were now.
func handler(t *testing.T, root string) http.Handler {
	t.Helper()
	h, err := Handler(root, Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// ask sends a request as a browser on this machine would, with more headers.
func ask(h http.Handler, method, target string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	r.Host = "127.0.0.1:7420"
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// Without this the list could miss runs, or trust their names.
func TestList(t *testing.T) {
	h := handler(t, sample(t))
	tests := []struct {
		target      string
		want, avoid []string
	}{
		{"/", []string{oldRun, liveRun, `state violation`, `state running`, "expected valid", "2 of 2 runs"}, nil},
		{"/?q=queue", []string{liveRun, "1 of 2 runs"}, []string{oldRun}},
		{"/?q=kv+violation", []string{oldRun}, []string{liveRun}},
		{"/?verdict=running", []string{liveRun}, []string{oldRun}},
		{"/?q=nothing-fits", []string{"No run fits."}, []string{oldRun, liveRun}},
		{"/?q=" + "%3Cscript%3Ealert(1)%3C/script%3E", []string{"&lt;script&gt;alert(1)"}, []string{"<script>alert"}},
	}
	for _, test := range tests {
		w := ask(h, "GET", test.target)
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d", test.target, w.Code)
		}
		for _, part := range test.want {
			if !strings.Contains(w.Body.String(), part) {
				t.Errorf("%s has no %q", test.target, part)
			}
		}
		for _, part := range test.avoid {
			if strings.Contains(w.Body.String(), part) {
				t.Errorf("%s has %q", test.target, part)
			}
		}
	}
}

// Without this another site could read the runs through the browser of
// whoever visits it.
func TestRefusals(t *testing.T) {
	h := handler(t, sample(t))
	report := "/runs/kv/" + oldRun + "/report.html"
	tests := []struct {
		name, method, target string
		headers              []string
		want                 int
	}{
		{"our own page", "GET", "/", []string{"Sec-Fetch-Site", "same-origin", "Origin", "http://127.0.0.1:7420"}, 200},
		{"typed in", "GET", "/", []string{"Sec-Fetch-Site", "none"}, 200},
		{"localhost", "GET", "/", []string{"Host", "localhost:7420"}, 200},
		{"IPv6", "GET", "/", []string{"Host", "[::1]:7420"}, 200},
		{"a rebound name", "GET", "/", []string{"Host", "evil.example:7420"}, 403},
		{"a name that looks local", "GET", "/", []string{"Host", "127.0.0.1.evil.example"}, 403},
		{"localhost of someone", "GET", "/", []string{"Host", "localhost.evil.example:7420"}, 403},
		{"an address of the network", "GET", "/", []string{"Host", "192.168.1.7:7420"}, 403},
		{"everybody", "GET", "/", []string{"Host", "0.0.0.0:7420"}, 403},
		{"no host", "GET", "/", []string{"Host", ""}, 403},
		{"another origin", "GET", "/", []string{"Origin", "https://evil.example"}, 403},
		{"another port", "GET", "/", []string{"Origin", "http://127.0.0.1:8080"}, 403},
		{"a sandbox", "GET", "/", []string{"Origin", "null"}, 403},
		{"another site's picture", "GET", report, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, 403},
		{"another site's frame", "GET", report, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe", "Sec-Fetch-User", "?1"}, 403},
		{"another site's script moves the tab", "GET", report, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 403},
		{"a link in a report, followed", "GET", report, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Sec-Fetch-User", "?1"}, 200},
		{"the same, but the list", "GET", "/", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Sec-Fetch-User", "?1"}, 403},
		{"writing", "POST", "/", nil, 405},
		{"deleting", "DELETE", report, nil, 405},
		{"putting", "PUT", report, nil, 405},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := ask(h, test.method, test.target, test.headers...)
			if w.Code != test.want {
				t.Errorf("the answer is %d, want %d", w.Code, test.want)
			}
			if test.want != 200 && strings.Contains(w.Body.String(), oldRun) {
				t.Error("the refusal tells of runs")
			}
		})
	}
}

// Without this a path could get at any file of the user.
func TestNoPathGetsOut(t *testing.T) {
	root := sample(t)
	run := filepath.Join(root, "kv", oldRun)
	links := map[string]string{
		filepath.Join(run, "way-out"):                        filepath.Join(root, "..", "secret.txt"),
		filepath.Join(run, "up"):                             "../../../secret.txt",
		filepath.Join(run, "folder-out"):                     filepath.Join(root, ".."),
		filepath.Join(root, "kv", "20261122T101502Z-000000"): filepath.Join(root, ".."),
		filepath.Join(root, "elsewhere"):                     filepath.Join(root, ".."),
	}
	for link, to := range links {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	h := handler(t, root)
	base := "/runs/kv/" + oldRun
	targets := []string{
		base + "/way-out", base + "/up", base + "/folder-out/secret.txt", base + "/files/folder-out/", base + "/folder-out",
		base + "/../../../secret.txt", base + "/..%2f..%2f..%2fsecret.txt", base + "/%2e%2e/%2e%2e/%2e%2e/secret.txt", base + "/files/..%2f..%2f..%2fsecret.txt",
		base + "//etc/passwd", base + "/%2fetc%2fpasswd", base + "/nodes/%00/etc/passwd",
		"/runs/kv/20261122T101502Z-000000/secret.txt", "/runs/kv/20261122T101502Z-000000.zip", "/runs/elsewhere/runs/", "/runs/..%2f/secret.txt/", "/runs/%2e%2e/secret.txt",
		"/runs/kv/..%2f..%2f/secret.txt", "/runs/..%2f..zip", "/tail/kv/..%2f..?from=0", "/tail/elsewhere/runs?from=0",
		"/compare?a=../..&b=" + oldRun, "/compare?a=" + oldRun + "&b=..", "/page/..%2fhandler.go", "/page/list.tmpl",
	}
	for _, target := range targets {
		w := ask(h, "GET", target)
		for range 3 { // follow redirects as a browser does
			if to := w.Header().Get("Location"); w.Code/100 == 3 && strings.HasPrefix(to, "/") {
				w = ask(h, "GET", to)
			}
		}
		if w.Code == http.StatusOK || strings.Contains(w.Body.String(), "the secret") || strings.Contains(w.Body.String(), "root:") {
			t.Errorf("%s is answered with %d: %.80q", target, w.Code, w.Body.String())
		}
	}
	if w := ask(h, "GET", base+"/history.jsonl"); w.Code != 200 || w.Body.String() != historyText {
		t.Errorf("what is inside cannot be read either: %d", w.Code)
	}
}

// Without this a node's log could run as script in the name of this program.
func TestFilesOfARunCannotAct(t *testing.T) {
	h := handler(t, sample(t))
	for name, wantType := range map[string]string{
		"nodes/n1/stdout.log": "text/plain", "nodes/n1/evil.html": "text/plain", "history.jsonl": "text/plain",
		"report.html": "text/html", "checks/linearizable/p.html": "text/html",
	} {
		w := ask(h, "GET", "/runs/kv/"+oldRun+"/"+name)
		header := w.Header()
		if got := header.Get("Content-Type"); w.Code != 200 || !strings.HasPrefix(got, wantType) {
			t.Errorf("%s: %d %s, want %s", name, w.Code, got, wantType)
		}
		if header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s may be taken for another type", name)
		}
		policy := header.Get("Content-Security-Policy")
		if wantType == "text/html" && (!strings.HasPrefix(policy, "sandbox") || strings.Contains(policy, "allow-same-origin")) {
			t.Errorf("%s is in no sandbox: %s", name, policy)
		}
	}
}

// Without this the zip could be broken, or hold less or more than the folder.
func TestZip(t *testing.T) {
	root := sample(t)
	if err := os.Symlink(filepath.Join(root, "..", "secret.txt"), filepath.Join(root, "kv", oldRun, "link")); err != nil {
		t.Fatal(err)
	}
	w := ask(handler(t, root), "GET", "/runs/kv/"+oldRun+".zip")
	body := w.Body.Bytes()
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got[f.Name] = string(text)
	}
	if got[oldRun+"/history.jsonl"] != historyText || got[oldRun+"/report.html"] == "" || len(got) != 8 {
		t.Errorf("the zip has %d files: %v", len(got), got)
	}
	if want := `attachment; filename="` + oldRun + `.zip"`; w.Header().Get("Content-Disposition") != want {
		t.Errorf("it is called %s, want %s", w.Header().Get("Content-Disposition"), want)
	}
}

// Without this the live view could show half a line, or lose one.
func TestTail(t *testing.T) {
	h := handler(t, sample(t))
	w := ask(h, "GET", "/tail/queue/"+liveRun+"?from=0")
	if w.Body.String() != historyText || w.Header().Get("Judged") != "false" {
		t.Errorf("the beginning is %q, judged %s", w.Body.String(), w.Header().Get("Judged"))
	}
	next := w.Header().Get("Next-Byte")
	if w = ask(h, "GET", "/tail/queue/"+liveRun+"?from="+next); w.Body.Len() != 0 || w.Header().Get("Next-Byte") != next {
		t.Errorf("the half line is given out: %q", w.Body.String())
	}
	if w = ask(h, "GET", "/tail/kv/"+oldRun+"?from=0"); w.Header().Get("Judged") != "true" {
		t.Error("a run with its verdict is not told as judged")
	}
	for _, from := range []string{"", "-1", "x", "9999999999999999999999"} {
		if w := ask(h, "GET", "/tail/queue/"+liveRun+"?from="+from); w.Code != http.StatusBadRequest {
			t.Errorf("from=%s: %d", from, w.Code)
		}
	}
	if w := ask(h, "GET", "/tail/queue/"+liveRun+"?from=99999999"); w.Code != 200 || w.Body.Len() != 0 {
		t.Errorf("beyond the end: %d %q", w.Code, w.Body.String())
	}
}

// Without this a run's link could lead nowhere.
func TestRunPages(t *testing.T) {
	h := handler(t, sample(t))
	if w := ask(h, "GET", "/runs/kv/"+oldRun+"/"); w.Code != http.StatusFound || !strings.HasSuffix(w.Header().Get("Location"), "report.html") {
		t.Errorf("a judged run leads to %d %s", w.Code, w.Header().Get("Location"))
	}
	if w := ask(h, "GET", "/runs/queue/"+liveRun+"/"); w.Code != 200 || !strings.Contains(w.Body.String(), "this page follows it") {
		t.Errorf("a run in progress is shown as %d", w.Code)
	}
	later, err := Handler(sample(t), Options{Now: func() time.Time { return time.Now().Add(time.Hour) }})
	if err != nil {
		t.Fatal(err)
	}
	if w := ask(later, "GET", "/runs/queue/"+liveRun+"/"); !strings.Contains(w.Body.String(), "shakedown check "+liveRun) {
		t.Error("a run that was cut short does not say how to judge it")
	}
	if w := ask(h, "GET", "/runs/kv/20200101T000000Z-000000/"); w.Code != http.StatusNotFound {
		t.Errorf("a run that is not there: %d", w.Code)
	}
}

// Without this a comparison could hide what differs.
func TestCompare(t *testing.T) {
	h := handler(t, sample(t))
	w := ask(h, "GET", "/compare?a="+oldRun+"&b="+liveRun)
	text := w.Body.String()
	for _, part := range []string{`<td class="state violation">violation</td>`, "not judged", "byte for byte", `class="differs"><td class="tight">seed</td><td>7</td><td>8</td>`,
		`<tr><td class="tight">ok</td><td>1</td><td>1</td></tr>`, "Key r1: &lt;/script&gt;"} {
		if !strings.Contains(text, part) {
			t.Errorf("the comparison has no %q", part)
		}
	}
	if strings.Contains(text, "<script>alert") {
		t.Error("a value came through as script")
	}
	if w := ask(h, "GET", "/compare?a="+oldRun); w.Code != http.StatusNotFound {
		t.Errorf("a comparison with nothing: %d", w.Code)
	}
}
