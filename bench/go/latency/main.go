// The Go form of ../../latency.c: see there.
package main

import "tricolor/bench/measure"

type message [1024]byte

type node struct {
	left, right *node
	key, value  uint64
}

const treeDepth = 5

// One ring for each form: Go's pointers have types. Only one is ever made.
var (
	messages []*message
	trees    []*node
	slots    int
)

func insertMessage(i int) {
	m := new(message)
	measure.Fill(m[:], byte(i))
	messages[i%slots] = m
}

func newTree(depth int, key uint64) *node {
	if depth == 0 {
		return &node{key: key, value: key}
	}
	return &node{newTree(depth-1, 2*key), newTree(depth-1, 2*key+1), key, key ^ uint64(depth)}
}

func insertTree(i int) { trees[i%slots] = newTree(treeDepth, uint64(i)) }

func (n *node) check() uint64 {
	if n.left == nil {
		return n.value
	}
	return n.value + 3*n.left.check() + n.right.check()
}

func plainMessages(from, to int) {
	for i := from; i < to; i++ {
		insertMessage(i)
	}
}

func plainTrees(from, to int) {
	for i := from; i < to; i++ {
		insertTree(i)
	}
}

func timedMessages(from, to int, h *measure.Histogram) {
	before := measure.Now()
	for i := from; i < to; i++ {
		insertMessage(i)
		after := measure.Now()
		h.Add(after - before)
		before = after
	}
}

func timedTrees(from, to int, h *measure.Histogram) {
	before := measure.Now()
	for i := from; i < to; i++ {
		insertTree(i)
		after := measure.Now()
		h.Add(after - before)
		before = after
	}
}

func main() {
	measure.Start("latency")
	form := measure.Text(0, "")
	slots = measure.Number(1, 200000)
	inserts := measure.Number(2, 1000000)

	plain, timed := plainMessages, timedMessages
	switch form {
	case "messages":
		messages = make([]*message, slots)
	case "trees":
		trees = make([]*node, slots)
		plain, timed = plainTrees, timedTrees
	default:
		measure.Usage("<messages|trees> <slots> <inserts>")
	}
	h := new(measure.Histogram)
	plain(0, slots)

	wall, cpu := measure.Now(), measure.CPU()
	plain(slots, slots+inserts)
	wall, cpu = measure.Now()-wall, measure.CPU()-cpu
	timed(slots+inserts, slots+2*inserts, h)

	measure.Result("op", float64(wall)/float64(inserts), "ns")
	measure.Result("op_cpu", float64(cpu)/float64(inserts), "ns")
	measure.Result("p99.99", h.Percentile(99.99)/1e3, "us")
	measure.Result("worst", float64(h.Worst)/1e3, "us")

	check := uint64(0)
	for _, m := range messages {
		check = check*31 + uint64(m[0]) + uint64(m[1023])
	}
	for _, n := range trees {
		check = check*31 + n.check()
	}
	measure.Finish(check)
}
