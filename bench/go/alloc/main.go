// The Go form of ../../alloc.c: see there.
package main

import "tricolor/bench/measure"

type pointers32 struct {
	to    [2]*pointers32
	value [2]uint64
}

type pointers512 struct {
	to    [32]*pointers512
	value [32]uint64
}

// What keeps a thread's newest object alive: a root, alone on its cache line. One field for each kind, so that each
// loop stores a pointer of its own type.
type sink struct {
	leaf16  *[16]byte
	leaf64  *[64]byte
	leaf1k  *[1024]byte
	leaf4k  *[4096]byte
	leaf64k *[65536]byte
	small   *pointers32
	large   *pointers512
	check   uint64
	_       [measure.CacheLine]byte
}

var sinks [64]sink

var kinds = map[string]func(s *sink, objects int){
	"leaf-16": func(s *sink, objects int) {
		for i := range objects {
			p := new([16]byte)
			p[0] = byte(i)
			s.leaf16 = p
			s.check += uint64(p[0])
		}
	},
	"leaf-64": func(s *sink, objects int) {
		for i := range objects {
			p := new([64]byte)
			p[0] = byte(i)
			s.leaf64 = p
			s.check += uint64(p[0])
		}
	},
	"leaf-1k": func(s *sink, objects int) {
		for i := range objects {
			p := new([1024]byte)
			p[0] = byte(i)
			s.leaf1k = p
			s.check += uint64(p[0])
		}
	},
	"leaf-4k": func(s *sink, objects int) {
		for i := range objects {
			p := new([4096]byte)
			p[0] = byte(i)
			s.leaf4k = p
			s.check += uint64(p[0])
		}
	},
	"leaf-64k": func(s *sink, objects int) {
		for i := range objects {
			p := new([65536]byte)
			p[0] = byte(i)
			s.leaf64k = p
			s.check += uint64(p[0])
		}
	},
	"pointers-32": func(s *sink, objects int) {
		for i := range objects {
			p := new(pointers32)
			p.value[0] = uint64(i)
			s.small = p
			s.check += p.value[0]
		}
	},
	"pointers-512": func(s *sink, objects int) {
		for i := range objects {
			p := new(pointers512)
			p.value[0] = uint64(i)
			s.large = p
			s.check += p.value[0]
		}
	},
	"filled-4k": func(s *sink, objects int) {
		for i := range objects {
			p := new([4096]byte)
			measure.Fill(p[:], byte(i))
			s.leaf4k = p
			s.check += uint64(p[i&4095])
		}
	},
}

func main() {
	measure.Start("alloc")
	run := kinds[measure.Text(0, "")]
	threads := measure.Number(1, 1)
	objects := measure.Number(2, 1000000)
	if run == nil || threads > len(sinks) {
		measure.Usage("<leaf-16|-64|-1k|-4k|-64k, pointers-32|-512, filled-4k> <threads> <objects a thread>")
	}

	took := make([]int64, threads)
	cpu := measure.CPU()
	measure.Threads(threads, func(id int) {
		began := measure.Now()
		run(&sinks[id], objects)
		took[id] = measure.Now() - began
	})
	cpu = measure.CPU() - cpu

	check, wall := uint64(0), int64(0)
	for i := range threads {
		wall += took[i]
		check += sinks[i].check
	}
	total := float64(threads) * float64(objects)
	measure.Result("op", float64(wall)/total, "ns")
	measure.Result("op_cpu", float64(cpu)/total, "ns")
	measure.Finish(check)
}
