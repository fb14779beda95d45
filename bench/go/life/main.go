// The Go form of ../../life.c: see there.
package main

import (
	"runtime"
	"sync"
	"weak"

	"tricolor/bench/measure"
)

const (
	rounds     = 7
	depth      = 16
	smallDepth = 7
	held       = 64
)

type node struct {
	left, right *node
	value       int
}

var (
	count int
	sum   uint64
)

func best(name string, n int, body func(n int)) {
	least := 1e300
	for range rounds {
		from := measure.CPU()
		body(n)
		least = min(least, float64(measure.CPU()-from)/float64(n))
	}
	measure.Result(name, least, "ns")
}

type buffer [256]byte

var buffers = sync.Pool{New: func() any { return new(buffer) }}

func pool() {
	buffers.Put(new(buffer))
	best("pool", count, func(n int) {
		for range n {
			b := buffers.Get().(*buffer)
			b[0]++
			buffers.Put(b)
		}
	})
}

func pools() {
	var kept [held]any
	best("pools", count/held*held, func(n int) {
		for i := 0; i < n; i += held {
			for k := range kept {
				kept[k] = buffers.Get()
			}
			for k := range kept {
				buffers.Put(kept[k])
			}
		}
	})
}

func nothing(int) {}

func cleanup() {
	object := new(node)
	best("cleanup", count, func(n int) {
		for range n {
			runtime.AddCleanup(object, nothing, 0).Stop()
		}
	})
	runtime.KeepAlive(object)
}

func finalizer() {
	object := new(node)
	best("finalizer", count, func(n int) {
		for range n {
			runtime.SetFinalizer(object, func(*node) {})
			runtime.SetFinalizer(object, nil)
		}
	})
	runtime.KeepAlive(object)
}

func weakPointers() {
	object := &node{value: 1}
	w := weak.Make(object)
	best("weak_get", count, func(n int) {
		for range n {
			sum += uint64(w.Value().value)
		}
	})
	best("weak_make", count, func(n int) {
		for range n {
			if weak.Make(object) == w {
				sum++
			}
		}
	})
	runtime.KeepAlive(object)
}

func treeHeap(depth int) *node {
	n := new(node)
	n.value = depth
	if depth > 1 {
		n.left = treeHeap(depth - 1)
		n.right = treeHeap(depth - 1)
	}
	return n
}

func trees(depth int) {
	best("arena", count, func(n int) {
		for range n {
			sum += inArena(depth)
		}
	})
	best("heap", count, func(n int) {
		for range n {
			sum += uint64(treeHeap(depth).value)
		}
	})
}

func main() {
	kinds := map[string]struct {
		fn    func()
		count int
	}{
		"pool": {pool, 10000000}, "pools": {pools, 6400000}, "cleanup": {cleanup, 2000000},
		"finalizer": {finalizer, 2000000}, "weak": {weakPointers, 10000000},
		"arena": {func() { trees(depth) }, 50}, "arenas": {func() { trees(smallDepth) }, 10000},
	}
	measure.Start("life")
	kind, ok := kinds[measure.Text(0, "pool")]
	if !ok {
		measure.Usage("pool|pools|cleanup|finalizer|weak|arena|arenas [count]")
	}
	count = measure.Number(1, kind.count)
	kind.fn()
	measure.Finish(uint64(count) + sum)
}
