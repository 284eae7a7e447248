//go:build linux

package slow

import (
	"io"
	"net"
	"runtime"
	"slices"
	"testing"
	"time"
)

// BenchmarkRoundTrip50ms measures what 50 ms injected add to a round trip.
func BenchmarkRoundTrip50ms(b *testing.B) {
	w := newPond(b)
	bare := w.roundTrip(b, "n2")
	if _, err := w.Slow(b.Context(), "f", [][2]string{{"n1", "n2"}}, Profile{Delay: 50 * time.Millisecond}); err != nil {
		b.Fatal(err)
	}
	var all []time.Duration
	for b.Loop() {
		all = append(all, w.roundTrip(b, "n2")-bare)
	}
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "ms-median")
	b.ReportMetric(float64(all[len(all)-1].Microseconds())/1000, "ms-max")
}

// Benchmark40000PerSecond sends datagrams at that rate under 50 ms of delay,
// for two seconds at least, and counts what does not arrive.
func Benchmark40000PerSecond(b *testing.B) {
	w := newPond(b)
	sink, err := w.play.ListenUDP(2, w.play.Address(2))
	if err != nil {
		b.Fatal(err)
	}
	defer sink.Close()
	sink.SetReadBuffer(8 << 20)
	if _, err := w.Slow(b.Context(), "f", [][2]string{{"n1", "n3"}}, Profile{Delay: 50 * time.Millisecond}); err != nil {
		b.Fatal(err)
	}
	const packets, each = 80_000, time.Second / 40_000
	for b.Loop() {
		arrived := make(chan int)
		go func() {
			buf, n := make([]byte, 64), 0
			for {
				sink.SetReadDeadline(time.Now().Add(time.Second))
				if _, err := sink.Read(buf); err != nil {
					arrived <- n
					return
				}
				n++
			}
		}()
		begin := time.Now()
		for i := range packets {
			for time.Since(begin) < time.Duration(i)*each {
				runtime.Gosched()
			}
			w.sock["n1"].WriteTo([]byte("payload"), sink.LocalAddr())
		}
		took := time.Since(begin)
		n := <-arrived
		tally, _ := w.Count("f")
		b.ReportMetric(packets/took.Seconds(), "packets/s")
		b.ReportMetric(float64(packets-n), "lost")
		b.ReportMetric(float64(tally.Held.Microseconds())/float64(max(1, tally.Delayed))/1000, "ms-held")
		b.ReportMetric(float64(w.stations["n3"].pump.late.Microseconds())/1000, "ms-latest")
	}
}

// BenchmarkThroughput compares a TCP stream, bare and with its packets (not
// their acknowledgements) held for 1 ms.
func BenchmarkThroughput(b *testing.B) {
	for name, delay := range map[string]time.Duration{"bare": 0, "1ms": time.Millisecond} {
		b.Run(name, func(b *testing.B) {
			w := newPond(b)
			if delay > 0 {
				if _, err := w.Slow(b.Context(), "f", [][2]string{{"n1", "n2"}}, Profile{Delay: delay}); err != nil {
					b.Fatal(err)
				}
			}
			in, out := w.stream(b)
			go io.Copy(io.Discard, out)
			chunk := make([]byte, 1<<20)
			b.SetBytes(1 << 20)
			for b.Loop() {
				if _, err := in.Write(chunk); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// stream connects n1 to n2.
func (w *pond) stream(b *testing.B) (in, out net.Conn) {
	b.Helper()
	var l net.Listener
	err := w.play.In(1, func() (err error) {
		l, err = net.Listen("tcp", net.JoinHostPort(w.play.Address(1).String(), "7"))
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	if err := w.play.In(0, func() (err error) { in, err = net.Dial("tcp", l.Addr().String()); return err }); err != nil {
		b.Fatal(err)
	}
	if out, err = l.Accept(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); out.Close() })
	return in, out
}
