// Package measure is what all Go benchmark programs share: arguments, clocks, random numbers, threads, a latency
// histogram, and the lines they print. It is ../../bench.h in Go, number for number; the lines are explained there.
package measure

import (
	"fmt"
	"math/bits"
	"os"
	"runtime"
	"sort"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// CacheLine is two lines: the prefetcher fetches in pairs.
const CacheLine = 128

var name string

// ---- begin and end ----

func Start(program string) {
	name = program
	fmt.Printf("system %s\n", runtime.Version())
}

func Result(metric string, value float64, unit string) {
	fmt.Printf("result %s %s %.6g %s\n", name, metric, value, unit)
}

func Finish(check uint64) {
	fmt.Printf("check %d\n", check)
}

func Usage(usage string) {
	fmt.Fprintf(os.Stderr, "usage: %s %s\n", name, usage)
	os.Exit(2)
}

func Text(i int, otherwise string) string {
	if i+1 < len(os.Args) {
		return os.Args[i+1]
	}
	return otherwise
}

// Number returns the i-th argument as a positive number.
func Number(i int, otherwise int) int {
	if i+1 >= len(os.Args) {
		return otherwise
	}
	n, err := strconv.Atoi(os.Args[i+1])
	if err != nil || n <= 0 {
		fmt.Fprintf(os.Stderr, "%s: argument %d must be a positive number, not '%s'\n", name, i+1, os.Args[i+1])
		os.Exit(2)
	}
	return n
}

// ---- clocks, ns ----

var base = time.Now()

// Now reads the monotonic clock.
func Now() int64 { return int64(time.Since(base)) }

// CPU is user and system time of the whole process, the collector's threads included.
func CPU() int64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}

// ---- random numbers: splitmix64 ----

func Mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

type Random uint64

func (r *Random) Next() uint64 {
	*r += 0x9e3779b97f4a7c15
	return Mix(uint64(*r))
}

// ---- threads ----

// Threads runs work(0) ... work(n - 1), each in a goroutine; one alone runs on the calling one.
func Threads(n int, work func(id int)) {
	if n == 1 {
		work(0)
		return
	}
	var all sync.WaitGroup
	for id := range n {
		all.Add(1)
		go func() {
			defer all.Done()
			work(id)
		}()
	}
	all.Wait()
}

// ---- histogram of latencies: 64 steps to each doubling, so a percentile is right to 1.6 %; the worst is exact ----

const steps = 64

type Histogram struct {
	Count, Worst int64
	buckets      [60 * steps]int64
}

func bucket(ns uint64) int {
	if ns < steps {
		return int(ns)
	}
	shift := 63 - bits.LeadingZeros64(ns) - 6 // 64 = 2^6 steps
	return (shift+1)*steps + int(ns>>shift) - steps
}

func value(bucket int) float64 {
	if bucket < steps {
		return float64(bucket)
	}
	shift := bucket/steps - 1
	return float64(uint64(steps+bucket%steps) << shift)
}

func (h *Histogram) Add(ns int64) {
	h.Count++
	if ns > h.Worst {
		h.Worst = ns
	}
	h.buckets[bucket(uint64(ns))]++
}

func (h *Histogram) Merge(from *Histogram) {
	h.Count += from.Count
	h.Worst = max(h.Worst, from.Worst)
	for i, n := range from.buckets {
		h.buckets[i] += n
	}
}

func (h *Histogram) Percentile(percent float64) float64 {
	wanted, seen := int64(float64(h.Count)*percent/100), int64(0)
	for i, n := range h.buckets {
		seen += n
		if seen > wanted {
			return value(i)
		}
	}
	return float64(h.Worst)
}

// ---- memory ----

// Fill is memset. Go has none but for zero: doubling copies are the fastest way to say it (bytes.Repeat does the same).
func Fill(p []byte, b byte) {
	p[0] = b
	for n := 1; n < len(p); n *= 2 {
		copy(p[n:], p[:n])
	}
}

// ---- statistics ----

// Median sorts the values.
func Median(values []float64) float64 {
	sort.Float64s(values)
	n := len(values)
	if n%2 == 1 {
		return values[n/2]
	}
	return (values[n/2-1] + values[n/2]) / 2
}
