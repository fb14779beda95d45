//go:build !goexperiment.arenas

package main

// Without GOEXPERIMENT=arenas: the heap in its place.
func inArena(depth int) uint64 { return uint64(treeHeap(depth).value) }
