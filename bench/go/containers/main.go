// The Go form of ../../containers.c: see there.
package main

import (
	"encoding/binary"
	"runtime"
	"strings"
	"syscall"
	"tricolor/bench/measure"
	"unsafe"
)

type record struct {
	key, count uint64
}

type lap struct{ wall, cpu int64 }

func begin() lap { return lap{measure.Now(), measure.CPU()} }
func (l lap) end(what string, n uint64) {
	measure.Result(what, float64(measure.Now()-l.wall)/float64(n), "ns")
	measure.Result(what+"_cpu", float64(measure.CPU()-l.cpu)/float64(n), "ns")
}

// ---- maps ----

func benchMap(entries, churns uint64) (check uint64) {
	m := map[uint64]*record{}
	l := begin()
	for i := range entries {
		m[measure.Mix(i)] = &record{i, 1}
	}
	l.end("insert", entries)
	l = begin()
	for i := range entries {
		check += m[measure.Mix(entries-1-i)].count
	}
	l.end("lookup", entries)
	l = begin()
	for i := range churns {
		check += m[measure.Mix(i)].key
		delete(m, measure.Mix(i))
		m[measure.Mix(i+entries)] = &record{i, 1}
	}
	l.end("churn", churns)
	return check + uint64(len(m))
}

func nameOf(i uint64, room []byte) []byte {
	z := measure.Mix(i)
	n := 8 + (z>>60)%13
	for k := range n {
		room[k] = byte('a' + (z>>(k*3%48))%16)
	}
	binary.LittleEndian.PutUint64(room, i)
	return room[:n]
}

func benchStrings(entries, churns uint64) (check uint64) {
	m := map[string]*record{}
	var room [32]byte
	l := begin()
	for i := range entries {
		m[string(nameOf(i, room[:]))] = &record{i, 1}
	}
	l.end("insert", entries)
	l = begin()
	for i := range entries {
		check += m[string(nameOf(measure.Mix(i)%entries, room[:]))].count
	}
	l.end("lookup", entries)
	l = begin()
	for i := range churns {
		check += m[string(nameOf(i, room[:]))].key
		delete(m, string(nameOf(i, room[:])))
		m[string(nameOf(i+entries, room[:]))] = &record{i, 1}
	}
	l.end("churn", churns)
	return check + uint64(len(m))
}

// Time of this thread alone, by clock_gettime.
func threadTime() int64 {
	const threadCPU = 3
	var t syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, threadCPU, uintptr(unsafe.Pointer(&t)), 0)
	return t.Nano()
}

func benchLongest(entries uint64) uint64 {
	m := map[uint64]*record{}
	var h measure.Histogram
	for i := range entries {
		m[measure.Mix(i)] = &record{i, 1}
	}
	m = map[uint64]*record{}
	runtime.GC()
	runtime.LockOSThread()
	for i := range entries {
		from := threadTime()
		m[measure.Mix(i)] = &record{i, 1}
		h.Add(threadTime() - from)
	}
	measure.Result("longest_insert", float64(h.Worst)/1e6, "ms")
	measure.Result("p99.999_insert", h.Percentile(99.999)/1e6, "ms")
	return uint64(len(m))
}

// ---- slices and builders ----

func benchAppend(elements, rounds uint64) (check uint64) {
	l := begin()
	for range rounds {
		var s []int64
		for i := range elements {
			s = append(s, int64(i))
		}
		check += uint64(len(s)) + uint64(s[elements/2]) + uint64(cap(s))
	}
	l.end("append", elements*rounds)
	return
}

func benchBuilder(writes, rounds uint64) (check uint64) {
	l := begin()
	for range rounds {
		var b strings.Builder
		for i := range writes {
			b.WriteString("hello, ")
			b.WriteByte(byte('a' + i%26))
		}
		s := b.String()
		check += uint64(len(s)) + uint64(s[len(s)-1])
	}
	l.end("write", 2*writes*rounds)
	return
}

func main() {
	measure.Start("containers")
	n, more := uint64(measure.Number(1, 1000000)), uint64(measure.Number(2, 1))
	switch measure.Text(0, "map") {
	case "map":
		measure.Finish(benchMap(n, more))
	case "strings":
		measure.Finish(benchStrings(n, more))
	case "longest":
		measure.Finish(benchLongest(n))
	case "append":
		measure.Finish(benchAppend(n, more))
	case "builder":
		measure.Finish(benchBuilder(n, more))
	default:
		measure.Usage("<map|strings|longest|append|builder> <number> [<number>]")
	}
}
