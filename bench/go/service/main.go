// The Go form of ../../service.c: see there.
package main

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"tricolor/bench/measure"
)

type pair struct {
	name, value string
	next        *pair
}

type segment struct {
	name string
	next *segment
}

type request struct {
	method          string
	path            *segment
	params, headers *pair
}

type item struct {
	fields *pair
	body   []byte
}

type entry struct {
	chain        *entry // next in its bucket
	newer, older *entry // neighbours in the order of use
	hash         uint64
	key          string
	item         *item
}

type shard struct {
	lock           sync.Mutex // for all fields below, and all entries
	buckets        []*entry
	newest, oldest *entry
	used           int
	_              [measure.CacheLine]byte
}

const (
	shardCount    = 16
	capacity      = 100000 / shardCount // entries a shard
	bucketCount   = 8192                // a shard
	universe      = 500000              // different items that are asked for
	requestMax    = 1024
	responseStart = 256
	bodySize      = 256
)

var shards [shardCount]shard

func hashOf(key string) uint64 { // FNV-1a, mixed
	h := uint64(0xcbf29ce484222325)
	for i := 0; i < len(key); i++ {
		h = (h ^ uint64(key[i])) * 0x100000001b3
	}
	return measure.Mix(h)
}

// ---- requests: writing them, which stands for the network ----

// Products of random numbers: small ids are asked for far more often than large ones.
func randomID(random *measure.Random) uint64 {
	a, b := random.Next()%universe, random.Next()%universe
	return a * b / universe * (random.Next() % universe) / universe
}

func writeRequest(b []byte, random *measure.Random) []byte {
	id, r := randomID(random), random.Next()
	b = append(b, "GET /shop/item/"...)
	b = strconv.AppendUint(b, id, 10)
	b = append(b, "?sort=price&limit="...)
	b = strconv.AppendUint(b, r%100, 10)
	b = append(b, "&lang=en&session="...)
	b = strconv.AppendUint(b, r, 10)
	b = append(b, " HTTP/1.1\r\nHost: shop.example.org\r\nUser-Agent: bench/1.0 (closed loop; open loop)\r\n"+
		"Accept: application/json\r\nCookie: visitor="...)
	b = strconv.AppendUint(b, r^id, 10)
	return append(b, "\r\n\r\n"...)
}

// ---- requests: parsing ----

// The text up to the next stop or the end, and what is behind it.
func until(b []byte, stop byte) (text, rest []byte) {
	if i := bytes.IndexByte(b, stop); i >= 0 {
		return b[:i], b[i+1:]
	}
	return b, b[len(b):]
}

func newPair(name, value []byte, last *pair) *pair {
	p := &pair{name: string(name), value: string(value)}
	if last != nil {
		last.next = p
	}
	return p
}

func parsePath(path []byte) *segment {
	var first, last *segment
	rest := path[1:] // behind the first slash
	for len(rest) > 0 {
		var name []byte
		name, rest = until(rest, '/')
		s := &segment{name: string(name)}
		if last != nil {
			last.next = s
		} else {
			first = s
		}
		last = s
	}
	return first
}

func parseParams(rest []byte) *pair {
	var first, last *pair
	for len(rest) > 0 {
		var param []byte
		param, rest = until(rest, '&')
		name, value := until(param, '=')
		last = newPair(name, value, last)
		if first == nil {
			first = last
		}
	}
	return first
}

func parseHeaders(rest []byte) *pair {
	var first, last *pair
	for len(rest) > 0 {
		var line []byte
		line, rest = until(rest, '\n')
		if len(line) <= 1 {
			break // the empty line
		}
		name, value := until(line[:len(line)-1], ':') // without the \r
		last = newPair(name, value[1:], last)         // without the space
		if first == nil {
			first = last
		}
	}
	return first
}

func parseRequest(b []byte) *request {
	method, rest := until(b, ' ')
	target, rest := until(rest, ' ')
	_, rest = until(rest, '\n') // the version
	path, query := until(target, '?')
	return &request{string(method), parsePath(path), parseParams(query), parseHeaders(rest)}
}

// ---- items ----

// The names are copied, and small numbers too, as everywhere in this program.
func newField(name string, value uint64, next *pair) *pair {
	var digits [20]byte
	return &pair{strings.Clone(name), string(strconv.AppendUint(digits[:0], value, 10)), next}
}

func newItem(hash uint64) *item {
	fields := newField("name", hash>>8, nil)
	fields = newField("price", hash%10000, fields)
	fields = newField("stock", hash%77, fields)
	fields = newField("seller", hash>>40, fields)
	body := make([]byte, bodySize)
	random := measure.Random(hash)
	for i := 0; i < bodySize; i += 8 {
		binary.LittleEndian.PutUint64(body[i:], 0x6161616161616161+random.Next()&0x0f0f0f0f0f0f0f0f)
	}
	return &item{fields, body}
}

// ---- the cache. All methods: the shard is locked ----

func (s *shard) unlink(e *entry) {
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		s.newest = e.older
	}
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		s.oldest = e.newer
	}
}

func (s *shard) linkNewest(e *entry) {
	e.newer = nil
	e.older = s.newest
	if s.newest != nil {
		s.newest.newer = e
	} else {
		s.oldest = e
	}
	s.newest = e
}

func (s *shard) bucket(hash uint64) **entry { return &s.buckets[hash>>4%bucketCount] }

func (s *shard) find(hash uint64, key string) *entry {
	e := *s.bucket(hash)
	for e != nil && !(e.hash == hash && e.key == key) {
		e = e.chain
	}
	if e != nil && e != s.newest {
		s.unlink(e)
		s.linkNewest(e)
	}
	return e
}

func (s *shard) evict() {
	e := s.oldest
	link := s.bucket(e.hash)
	for *link != e {
		link = &(*link).chain
	}
	*link = e.chain
	s.unlink(e)
	s.used--
}

func (s *shard) insert(hash uint64, key string, it *item) {
	bucket := s.bucket(hash)
	e := &entry{chain: *bucket, hash: hash, key: key, item: it}
	*bucket = e
	s.linkNewest(e)
	s.used++
	if s.used > capacity {
		s.evict()
	}
}

// The item with the key, from the cache or made.
func cacheGet(key string) (it *item, hit bool) {
	hash := hashOf(key)
	s := &shards[hash%shardCount]
	s.lock.Lock()
	e := s.find(hash, key)
	if e != nil {
		it = e.item
	}
	s.lock.Unlock()
	if it != nil {
		return it, true
	}

	fresh := newItem(hash) // without the lock: in life this takes a while
	s.lock.Lock()
	if e = s.find(hash, key); e != nil { // another thread may have been faster
		it = e.item
	} else {
		it = fresh
		s.insert(hash, key, fresh)
	}
	s.lock.Unlock()
	return it, false
}

// ---- answering ----

func appendPairs(b []byte, p *pair) []byte {
	for ; p != nil; p = p.next {
		b = append(b, ",\""...)
		b = append(b, p.name...)
		b = append(b, "\":\""...)
		b = append(b, p.value...)
		b = append(b, '"')
	}
	return b
}

func buildResponse(r *request, key string, it *item) []byte {
	b := make([]byte, 0, responseStart)
	b = append(b, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"id\":\""...)
	b = append(b, key...)
	b = append(b, '"')
	b = appendPairs(b, it.fields)
	b = append(b, ",\"body\":\""...)
	b = append(b, it.body...)
	b = append(b, '"')
	b = appendPairs(b, r.params)
	b = appendPairs(b, r.headers)
	return append(b, "}\n"...)
}

// Stands for writing it to the network.
func sendResponse(b []byte) uint64 {
	sum := uint64(len(b))
	for ; len(b) >= 8; b = b[8:] {
		sum = sum*31 + binary.LittleEndian.Uint64(b)
	}
	for _, c := range b {
		sum = sum*31 + uint64(c)
	}
	return sum
}

// ---- workers ----

type worker struct {
	random      measure.Random
	check, hits uint64
	latencies   measure.Histogram
	input       [requestMax]byte // what the socket is read into
}

var (
	threads, requestsEach, warmUpEach, rate int

	warm  sync.WaitGroup // all are warm
	begin = make(chan struct{})
	began int64 // written before begin is closed
)

func (w *worker) serve() uint64 {
	r := parseRequest(writeRequest(w.input[:0], &w.random))
	key := r.path.next.next.name
	it, hit := cacheGet(key)
	if hit {
		w.hits++
	}
	return sendResponse(buildResponse(r, key, it))
}

func (w *worker) serveClosed() {
	before := measure.Now()
	for range requestsEach {
		w.check += w.serve()
		after := measure.Now()
		w.latencies.Add(after - before)
		before = after
	}
}

func (w *worker) serveOpen(id int) {
	for i := range requestsEach {
		due := began + int64(i*threads+id)*1000000000/int64(rate)
		for measure.Now() < due {
			runtime.Gosched()
		}
		w.check += w.serve()
		w.latencies.Add(measure.Now() - due)
	}
}

func (w *worker) work(id int) {
	w.random = measure.Random(measure.Mix(uint64(id)))
	for range warmUpEach {
		w.check += w.serve()
	}
	w.hits = 0
	warm.Done()
	if id == 0 {
		warm.Wait()
		began = measure.Now()
		close(begin)
	}
	<-begin
	if rate > 0 {
		w.serveOpen(id)
	} else {
		w.serveClosed()
	}
}

func main() {
	measure.Start("service")
	form := measure.Text(0, "")
	if form != "closed" && form != "open" {
		measure.Usage("closed <threads> <requests> | open <threads> <requests> <requests a second>")
	}
	threads = measure.Number(1, 1)
	requests := measure.Number(2, 1000000)
	if form == "open" {
		rate = measure.Number(3, 40000)
	}
	requestsEach = requests / threads
	warmUpEach = min(requestsEach, 200000)

	for i := range shards {
		shards[i].buckets = make([]*entry, bucketCount)
	}
	workers := make([]*worker, threads)
	for i := range workers {
		workers[i] = new(worker)
	}
	warm.Add(threads)
	measure.Threads(threads, func(id int) { workers[id].work(id) })
	seconds := float64(measure.Now()-began) / 1e9

	all := new(measure.Histogram)
	check, hits := uint64(0), uint64(0)
	for _, w := range workers {
		all.Merge(&w.latencies)
		check += w.check
		hits += w.hits
	}
	measure.Result("rate", float64(all.Count)/seconds, "req/s")
	measure.Result("p50", all.Percentile(50)/1e3, "us")
	measure.Result("p99", all.Percentile(99)/1e3, "us")
	measure.Result("p99.9", all.Percentile(99.9)/1e3, "us")
	measure.Result("p99.99", all.Percentile(99.99)/1e3, "us")
	measure.Result("worst", float64(all.Worst)/1e3, "us")
	measure.Result("hits", 100*float64(hits)/float64(all.Count), "%")
	measure.Finish(check)
}
