package runner

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// FuzzDecode: whatever a plan.json holds, it is refused or means something, and
// then it is written as something that means the same.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"format":1,"seed":3,"scenario":{},"nodes":["n1"],"phases":[],"faults":[],"final_reads":[],"clients":[]}`))
	f.Add([]byte(`{"format":2,"seed":3,"nodes":["n1"],"clients":[{"client":0,"node":"n1","operations":[{"f":"read","key":"r1"}]}]}`))
	f.Add([]byte(`{"format":99}`))
	f.Add([]byte(`{"format":2,"clients":null}`))
	f.Add([]byte(`{"format":2,"clients":[{"Operations":[{"f":"read"}],"operations":null}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Decode(text)
		outline, outlineErr := DecodeOutline(bytes.NewReader(text))
		if err != nil {
			return
		}
		first, err := p.Encode()
		if err != nil {
			t.Fatalf("a plan that was read cannot be written: %v", err)
		}
		again, err := Decode(first)
		if err != nil {
			t.Fatalf("a plan that was written cannot be read: %v", err)
		}
		if second, err := again.Encode(); err != nil || !bytes.Equal(first, second) {
			t.Fatalf("%v: written again it is another plan:\n%s\n%s", err, first, second)
		}
		p.Forget()
		if outlineErr != nil || !cmp.Equal(p, outline, cmpopts.EquateEmpty()) {
			t.Fatalf("%v: the outline differs from the plan:\n%s", outlineErr, cmp.Diff(p, outline))
		}
	})
}
