//go:build goexperiment.arenas

package main

import "arena"

func treeArena(a *arena.Arena, depth int) *node {
	n := arena.New[node](a)
	n.value = depth
	if depth > 1 {
		n.left = treeArena(a, depth-1)
		n.right = treeArena(a, depth-1)
	}
	return n
}

func inArena(depth int) uint64 {
	a := arena.NewArena()
	value := uint64(treeArena(a, depth).value)
	a.Free()
	return value
}
