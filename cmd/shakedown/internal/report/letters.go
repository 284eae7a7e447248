package report

import "io"

// digits are the letters in which bytes stand in the page: 85 that mean nothing
// to HTML, so that no data can end its block. Four bytes take five letters,
// where base64 takes five and a third; with a million operations that is a
// megabyte. decode.js has the same.
const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?_;~()[]{}@%$#"

// letters writes bytes as digits. Close writes what is left of the last four.
type letters struct {
	w    io.Writer
	rest []byte
	out  []byte
}

// Write takes in bytes.
func (l *letters) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	whole := len(l.rest) / 4 * 4
	l.out = l.out[:0]
	for i := 0; i < whole; i += 4 {
		l.add(l.rest[i : i+4])
	}
	l.rest = append(l.rest[:0], l.rest[whole:]...)
	if _, err := l.w.Write(l.out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close writes the last one to three bytes as two to four letters.
func (l *letters) Close() error {
	n := len(l.rest)
	if n == 0 {
		return nil
	}
	l.out = l.out[:0]
	l.add(append(l.rest, 0, 0, 0)[:4])
	_, err := l.w.Write(l.out[:n+1])
	return err
}

// add appends the letters of four bytes, the most significant first.
func (l *letters) add(four []byte) {
	v := uint32(four[0])<<24 | uint32(four[1])<<16 | uint32(four[2])<<8 | uint32(four[3])
	var five [5]byte
	for i := 4; i >= 0; i-- {
		five[i] = digits[v%85]
		v /= 85
	}
	l.out = append(l.out, five[:]...)
}
