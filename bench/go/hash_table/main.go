// The Go form of ../../hash_table.c: see there. `builtin` is the same on Go's own map.
package main

import "tricolor/bench/measure"

type record struct {
	key, count uint64
}

type entry struct {
	next   *entry
	key    uint64
	record *record
}

// ---- own ----

var (
	buckets []*entry // a power of two of them
	used    int
)

func grow() {
	bigger := make([]*entry, max(1024, 2*len(buckets)))
	mask := uint64(len(bigger) - 1)
	for _, e := range buckets {
		for e != nil {
			next := e.next
			bucket := &bigger[e.key&mask]
			e.next = *bucket
			*bucket = e
			e = next
		}
	}
	buckets = bigger
}

// The key is new: the caller knows.
func insertOwn(key uint64) {
	if used >= len(buckets) {
		grow()
	}
	r := &record{key, 1}
	bucket := &buckets[key&uint64(len(buckets)-1)]
	*bucket = &entry{*bucket, key, r}
	used++
}

func removeOwn(key uint64) uint64 {
	link := &buckets[key&uint64(len(buckets)-1)]
	for *link != nil && (*link).key != key {
		link = &(*link).next
	}
	e := *link
	if e == nil {
		return 0
	}
	*link = e.next
	used--
	return e.record.key + e.record.count
}

// ---- builtin ----

var builtin = map[uint64]*record{}

func insertBuiltin(key uint64) { builtin[key] = &record{key, 1} }

func removeBuiltin(key uint64) uint64 {
	r := builtin[key]
	if r == nil {
		return 0
	}
	delete(builtin, key)
	return r.key + r.count
}

// ---- both, by loops of their own so that calls are direct ----

func fillOwn(entries uint64) {
	for i := range entries {
		insertOwn(measure.Mix(i))
	}
}

func fillBuiltin(entries uint64) {
	for i := range entries {
		insertBuiltin(measure.Mix(i))
	}
}

func churnOwn(entries, churns uint64) (check uint64) {
	for i := range churns {
		check += removeOwn(measure.Mix(i))
		insertOwn(measure.Mix(i + entries))
	}
	return
}

func churnBuiltin(entries, churns uint64) (check uint64) {
	for i := range churns {
		check += removeBuiltin(measure.Mix(i))
		insertBuiltin(measure.Mix(i + entries))
	}
	return
}

func main() {
	measure.Start("hash_table")
	form := measure.Text(0, "own")
	entries, churns := uint64(measure.Number(1, 1000000)), uint64(measure.Number(2, 1000000))
	fill, churn := fillOwn, churnOwn
	switch form {
	case "own":
	case "builtin":
		fill, churn = fillBuiltin, churnBuiltin
	default:
		measure.Usage("<own|builtin> <entries> <churns>")
	}

	began, cpu := measure.Now(), measure.CPU()
	fill(entries)
	measure.Result("insert", float64(measure.Now()-began)/float64(entries), "ns")
	measure.Result("insert_cpu", float64(measure.CPU()-cpu)/float64(entries), "ns")

	began, cpu = measure.Now(), measure.CPU()
	check := churn(entries, churns)
	measure.Result("churn", float64(measure.Now()-began)/float64(churns), "ns")
	measure.Result("churn_cpu", float64(measure.CPU()-cpu)/float64(churns), "ns")
	measure.Finish(check)
}
