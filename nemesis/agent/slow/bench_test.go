//go:build linux

package slow

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
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
	sent, came := 0, 0
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
		sent += packets
		came += <-arrived
		tally, _ := w.Count("f")
		b.ReportMetric(packets/took.Seconds(), "packets/s")
		b.ReportMetric(float64(sent-came), "lost")
		b.ReportMetric(float64(sent)-float64(tally.Delayed), "not-delayed")
		b.ReportMetric(float64(tally.Held.Microseconds())/float64(max(1, tally.Delayed))/1000, "ms-held")
		b.ReportMetric(float64(w.stations["n3"].pump.late.Microseconds())/1000, "ms-latest")
	}
}

// BenchmarkThroughput compares TCP streams, bare and with their packets (not
// their acknowledgements) held for 1 ms, in turns. One stream depends on what
// its congestion control makes of the longer way as well as on us; several, as
// nodes have, much less.
func BenchmarkThroughput(b *testing.B) {
	for _, n := range []int{1, 4, 16} {
		b.Run(fmt.Sprintf("streams=%d", n), func(b *testing.B) { throughput(b, n) })
	}
}

func throughput(b *testing.B, n int) {
	all := map[time.Duration]streams{}
	for _, delay := range []time.Duration{0, time.Millisecond} {
		w := newPond(b)
		if delay > 0 {
			if _, err := w.Slow(b.Context(), "f", [][2]string{{"n1", "n2"}}, Profile{Delay: delay}); err != nil {
				b.Fatal(err)
			}
		}
		for i := range n {
			all[delay] = append(all[delay], w.stream(b, strconv.Itoa(7+i)))
		}
		all[delay].carry(b) // until the window is open
	}
	var shares, bare []float64
	b.SetBytes(int64(2 * n * streamed))
	for i := range b.N {
		first := []time.Duration{0, time.Millisecond}[i%2]
		took := map[time.Duration]time.Duration{first: all[first].carry(b)}
		second := time.Millisecond - first
		took[second] = all[second].carry(b)
		shares = append(shares, 100*float64(took[0])/float64(took[time.Millisecond]))
		bare = append(bare, float64(n)*streamed/took[0].Seconds()/1e6)
	}
	slices.Sort(shares)
	slices.Sort(bare)
	b.ReportMetric(shares[len(shares)/2], "%of-bare-median")
	b.ReportMetric(shares[0], "%of-bare-least")
	b.ReportMetric(bare[len(bare)/2], "MB/s-bare")
}

// streamed is how much a stream carries at a time.
const streamed = 128 << 20

// A stream is a connection from n1 to n2.
type stream struct{ in, out net.Conn }

type streams []*stream

// carry returns how long it takes until all has come by all streams.
func (s streams) carry(b *testing.B) time.Duration {
	b.Helper()
	begin := time.Now()
	var all errgroup.Group
	for _, one := range s {
		all.Go(one.carry)
	}
	if err := all.Wait(); err != nil {
		b.Fatal(err)
	}
	return time.Since(begin)
}

func (s *stream) carry() error {
	done := make(chan error, 1)
	go func() {
		_, err := io.CopyN(io.Discard, s.out, streamed)
		done <- err
	}()
	chunk := make([]byte, 1<<20)
	for range streamed / len(chunk) {
		if _, err := s.in.Write(chunk); err != nil {
			return err
		}
	}
	return <-done
}

// stream connects n1 to a port of n2.
func (w *pond) stream(b *testing.B, port string) *stream {
	b.Helper()
	var l net.Listener
	err := w.play.In(1, func() (err error) {
		l, err = net.Listen("tcp", net.JoinHostPort(w.play.Address(1).String(), port))
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	s := &stream{}
	if err := w.play.In(0, func() (err error) { s.in, err = net.Dial("tcp", l.Addr().String()); return err }); err != nil {
		b.Fatal(err)
	}
	if s.out, err = l.Accept(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.in.Close(); s.out.Close() })
	return s
}
