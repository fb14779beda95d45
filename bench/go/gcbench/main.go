// The Go form of ../../gcbench.c: see there.
package main

import "tricolor/bench/measure"

type node struct {
	left, right *node
	i, j        int32
}

const (
	minDepth  = 4
	arraySize = 500000
)

var (
	longLived *node
	longArray []float64
)

func treeSize(depth int) int { return 1<<(depth+1) - 1 }

func populate(depth int, n *node) {
	if depth <= 0 {
		return
	}
	n.left = &node{}
	n.right = &node{}
	n.i = int32(depth)
	populate(depth-1, n.left)
	populate(depth-1, n.right)
}

func makeTree(depth int) *node {
	if depth <= 0 {
		return &node{}
	}
	return &node{left: makeTree(depth - 1), right: makeTree(depth - 1), i: int32(depth)}
}

// Follows one path only: the program measures memory management, not walking.
func (n *node) check() uint64 {
	sum := uint64(0)
	for turn := 0; n != nil; turn++ {
		sum = sum*3 + uint64(n.i) + 1
		if turn&1 == 1 {
			n = n.right
		} else {
			n = n.left
		}
	}
	return sum
}

func main() {
	measure.Start("gcbench")
	stretch := measure.Number(0, 18)
	if stretch < 6 || stretch > 40 {
		measure.Usage("<stretch depth 6 ... 40>")
	}
	longDepth, maxDepth := stretch-2, stretch-2

	check := makeTree(stretch).check()
	longLived = &node{}
	populate(longDepth, longLived)
	longArray = make([]float64, arraySize)
	for i := range longArray {
		longArray[i] = 1.0 / float64(i+1)
	}

	for depth := minDepth; depth <= maxDepth; depth += 2 {
		trees := 2 * treeSize(stretch) / treeSize(depth)
		for range trees {
			n := &node{}
			populate(depth, n)
			check += n.check()
		}
		for range trees {
			check += makeTree(depth).check()
		}
	}

	check += longLived.check() + uint64(longArray[1000]*1e6)
	measure.Finish(check)
}
