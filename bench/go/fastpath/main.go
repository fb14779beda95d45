// The Go form of ../../fastpath.c: see there.
package main

import (
	"runtime"
	"runtime/debug"

	"tricolor/bench/measure"
)

type cell struct {
	left, right *cell
	value, more uint64
}

const (
	burst      = 32768
	burstCount = 400
	warmRounds = 5
)

var (
	sink  *cell
	check uint64
)

// Returns ns an object.
//
//go:noinline
func allocate(objects int) float64 {
	began := measure.Now()
	for i := range objects {
		c := new(cell)
		c.value = uint64(i)
		sink = c
	}
	ns := float64(measure.Now()-began) / float64(objects)
	check += sink.value
	sink = nil
	return ns
}

func bursts(n, objects int) float64 {
	ns := make([]float64, n)
	for i := range ns {
		runtime.GC()
		ns[i] = allocate(objects)
	}
	return measure.Median(ns)
}

func main() {
	measure.Start("fastpath")
	objects := measure.Number(0, 1000) * 1000
	if objects > 100000000 {
		measure.Usage("<thousands of objects, up to 100000>")
	}
	debug.SetGCPercent(-1)
	measure.Result("fresh", allocate(objects), "ns")
	measure.Result("warm", bursts(warmRounds, objects), "ns")
	measure.Result("cache", bursts(burstCount, burst), "ns")
	measure.Finish(check)
}
