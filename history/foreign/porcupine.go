package foreign

import (
	"io"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/history/edn"
)

// ReadPorcupineKV reads the key-value histories of porcupine's tests: events in
// EDN, a map a line, without times.
//
//	{:process 9, :type :invoke, :f :append, :key "0", :value "x 9 0 y"}
//
// The operations are get, put and append on strings; at first each is "". A
// get's value is what it got.
func ReadPorcupineKV(r io.Reader) (*history.History, error) {
	return edn.Read(r, edn.Options{Tuples: edn.KeepTuples})
}
