// as runner/util/offender.go // bad

package util
