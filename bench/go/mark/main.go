// The Go form of ../../mark.c: see there.
package main

import (
	"runtime"

	"tricolor/bench/measure"
)

type node struct {
	kid   [3]*node
	value uint64
}

type leaf struct {
	value [4]uint64
}

const (
	nodeBytes  = 32
	entryBytes = 32 + 8 // a leaf and its place in the table
	checkSteps = 1000000
)

// Only one of them is ever made.
var (
	graph *node
	table []*leaf
)

// A random cyclic order of 0 ... n - 1: order[i] follows i (Sattolo 1986).
func newCycle(n int, random *measure.Random) []uint32 {
	order := make([]uint32, n)
	for i := range order {
		order[i] = uint32(i)
	}
	for i := n - 1; i > 0; i-- {
		j := random.Next() % uint64(i)
		order[i], order[j] = order[j], order[i]
	}
	return order
}

// Nodes in the order of allocation, linked into a ring in shuffled order, and two random links each if all.
func newRing(n int, all bool) *node {
	random := measure.Random(1)
	index := make([]*node, n)
	for i := range index {
		index[i] = &node{value: uint64(i)}
	}
	order := newCycle(n, &random)
	for i, p := range index {
		p.kid[0] = index[order[i]]
		if all {
			p.kid[1] = index[random.Next()%uint64(n)]
			p.kid[2] = index[random.Next()%uint64(n)]
		}
	}
	return index[0]
}

func newTree(depth int, value *uint64) *node {
	n := &node{value: *value}
	*value++
	if depth > 0 {
		n.kid[0] = newTree(depth-1, value)
		n.kid[1] = newTree(depth-1, value)
	}
	return n
}

func newTable(n int, shuffled bool) []*leaf {
	random := measure.Random(1)
	table := make([]*leaf, n)
	var order []uint32
	if shuffled {
		order = newCycle(n, &random)
	}
	for i := range n {
		v := uint64(i)
		at := i
		if shuffled {
			at = int(order[i])
		}
		table[at] = &leaf{[4]uint64{v, v, v, v}}
	}
	return table
}

func checkRing(n *node, all bool) uint64 {
	sum := uint64(0)
	for range checkSteps {
		sum = sum*31 + n.value
		if all {
			n = n.kid[sum%3]
		} else {
			n = n.kid[0]
		}
	}
	return sum
}

func (n *node) check() uint64 {
	if n == nil {
		return 1
	}
	return n.value*3 + 5*n.kid[0].check() + n.kid[1].check()
}

func treeDepth(bytes int) int {
	depth := 0
	for (2<<(depth+1))*nodeBytes <= bytes {
		depth++
	}
	return depth
}

// Returns how many objects there are.
func build(shape string, bytes int) int {
	switch shape {
	case "tree":
		value := uint64(0)
		graph = newTree(treeDepth(bytes), &value)
		return int(value)
	case "random", "list":
		graph = newRing(bytes/nodeBytes, shape == "random")
		return bytes / nodeBytes
	case "table", "hashed":
		table = newTable(bytes/entryBytes, shape == "hashed")
		return len(table)
	}
	measure.Usage("<random|tree|table|hashed|list> <MiB> <collections>")
	return 0
}

func check(shape string) uint64 {
	switch shape {
	case "tree":
		return graph.check()
	case "random", "list":
		return checkRing(graph, shape == "random")
	}
	sum := uint64(0)
	for _, l := range table {
		sum = sum*31 + l.value[3]
	}
	return sum
}

func main() {
	measure.Start("mark")
	shape := measure.Text(0, "")
	bytes := measure.Number(1, 1024) << 20
	collections := measure.Number(2, 5)

	number := build(shape, bytes)
	cpu, wall := make([]float64, collections), make([]float64, collections)
	runtime.GC() // the garbage of building, and sweeping it, is not what is measured
	for i := range collections {
		cpuBegan, wallBegan := measure.CPU(), measure.Now()
		runtime.GC()
		wall[i] = float64(measure.Now()-wallBegan) / 1e9
		cpu[i] = float64(measure.CPU()-cpuBegan) / 1e9
	}
	measure.Result("mark_cpu", measure.Median(cpu), "s")
	measure.Result("mark_wall", measure.Median(wall), "s")
	measure.Result("mark_object", measure.Median(cpu)*1e9/float64(number), "ns")
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	measure.Result("tables", 100*float64(s.MSpanSys+s.GCSys+s.OtherSys)/float64(s.HeapInuse), "%")
	measure.Finish(check(shape))
}
