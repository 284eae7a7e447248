// as history/offender.go

package history

// Good has a comment.
type Good struct{}

type Bad struct{} // bad

// A group needs one comment.
const (
	One = 1
	Two = 2
)

const (
	Three = 3 // a comment at the end of the line counts
	four  = 4
)

var (
	five int
	// Six has a comment.
	Six int
)

func Ten() {} // bad

func (Good) Seven() {} // bad

func (*Good) Eight() {} // bad

func (Good) String() string { return "" }

type hidden struct{}

func (hidden) Nine() {}
