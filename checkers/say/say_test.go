package say

import (
	"testing"
	"time"
)

// The sentences of every checker are made of these.
func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		Moment(22318 * time.Millisecond):      "22.318s",
		Span(416*time.Millisecond + 200):      "416ms",
		Span(1254 * time.Millisecond):         "1.25s",
		Span(12340 * time.Millisecond):        "12.3s",
		Span(1500 * time.Nanosecond):          "2µs",
		Number(1, "key"):                      "1 key",
		Number(int64(160), "key"):             "160 keys",
		Are(1) + " " + Are(2):                 "1 is 2 are",
		Have(1) + " " + Have(2):               "1 has 2 have",
		Enumerate(nil):                        "",
		Enumerate([]string{"n1", "n2", "n3"}): "n1, n2 and n3",
		Few([]string{"n1", "n2", "n3"}, 2):    "n1, n2 and 1 more",
		Few([]string{"n1", "n2"}, 2):          "n1 and n2",
		Cut("größer", 4):                      "grö…",
		Cut("groß", 4):                        "groß",
		Capital("key 5"):                      "Key 5",
		Capital(""):                           "",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
