// The Go form of ../../binary_trees.c: see there.
package main

import (
	"sync/atomic"

	"tricolor/bench/measure"
)

type node struct {
	left, right *node
}

const (
	minDepth = 4
	portions = 16
)

var (
	depthMax  int
	longLived *node
	nextJob   atomic.Int64
	checks    [64]atomic.Uint64 // by depth
)

func newTree(depth int) *node {
	if depth == 0 {
		return &node{}
	}
	return &node{newTree(depth - 1), newTree(depth - 1)}
}

func (n *node) count() uint64 {
	if n.left == nil {
		return 1
	}
	return 1 + n.left.count() + n.right.count()
}

func work(int) {
	jobs := ((depthMax-minDepth)/2 + 1) * portions
	for {
		job := int(nextJob.Add(1) - 1)
		if job >= jobs {
			return
		}
		depth := minDepth + job/portions*2
		trees := (1 << (depthMax - depth + minDepth)) / portions
		count := uint64(0)
		for range trees {
			count += newTree(depth).count()
		}
		checks[depth].Add(count)
	}
}

func main() {
	measure.Start("binary_trees")
	depthMax = measure.Number(0, 16)
	threads := measure.Number(1, 1)
	if depthMax < minDepth+2 || depthMax > 40 {
		measure.Usage("<depth 6 ... 40> <threads>")
	}

	check := newTree(depthMax + 1).count()
	longLived = newTree(depthMax)
	measure.Threads(threads, work)
	for depth := minDepth; depth <= depthMax; depth += 2 {
		check = check*31 + checks[depth].Load()
	}
	measure.Finish(check*31 + longLived.count())
}
