// The Go form of ../../limit.c: see there.
package main

import "tricolor/bench/measure"

type node struct {
	next, other *node
	value       [6]uint64
}

type garbage struct {
	chain  *node
	buffer []byte
}

const (
	liveChain    = 32
	stepChain    = 8
	stepLeaf     = 512
	stepBytes    = 1024
	nodeBytes    = 64
	replaceEvery = 64
)

var (
	table  []*node
	newest garbage // what the last step made
)

func newChain(length int, v uint64) *node {
	var first *node
	for range length {
		first = &node{next: first, value: [6]uint64{v, v, v, v, v, v}}
	}
	return first
}

func step(i uint64) uint64 {
	g := garbage{newChain(stepChain, i), make([]byte, stepLeaf)}
	measure.Fill(g.buffer, byte(i))
	newest = g
	return g.chain.value[5] + uint64(g.buffer[i%stepLeaf])
}

func main() {
	measure.Start("limit")
	slots := measure.Number(0, 200) * 1000000 / (liveChain * nodeBytes)
	steps := uint64(measure.Number(1, 2000) * 1000000 / stepBytes)
	replaced, check := 0, uint64(0)

	table = make([]*node, slots)
	for i := range table {
		table[i] = newChain(liveChain, uint64(i))
	}

	began, cpu := measure.Now(), measure.CPU()
	for i := range steps {
		check += step(i)
		if i%replaceEvery == 0 {
			table[measure.Mix(i)%uint64(slots)] = newChain(liveChain, i)
			replaced++
		}
	}
	seconds, cpuSeconds := float64(measure.Now()-began)/1e9, float64(measure.CPU()-cpu)/1e9
	mb := (float64(steps)*stepBytes + float64(replaced)*liveChain*nodeBytes) / 1e6
	measure.Result("rate", mb/seconds, "MB/s")
	measure.Result("cpu_rate", mb/cpuSeconds, "MB/cpu-s")

	for _, n := range table {
		check = check*31 + n.value[0]
	}
	measure.Finish(check)
}
