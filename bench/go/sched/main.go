// The Go form of ../../sched.c: see there.
package main

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"tricolor/bench/measure"
)

var (
	count int
	group sync.WaitGroup
)

func each(metric string, from int64, n int) {
	measure.Result(metric, float64(measure.Now()-from)/float64(n), "ns")
}

func spawn() {
	const batch = 100
	for warm := range 2 {
		from := measure.Now()
		for i := 0; i < count; i += batch {
			group.Add(batch)
			for range batch {
				go group.Done()
			}
			group.Wait()
		}
		if warm == 1 {
			each("spawn", from, count)
		}
	}
}

func yield() {
	group.Add(2)
	from := measure.Now()
	for range 2 {
		go func() {
			for range count {
				runtime.Gosched()
			}
			group.Done()
		}()
	}
	group.Wait()
	each("yield", from, 2*count)
}

var lock sync.Mutex

func mutex() {
	from := measure.Now()
	for range count {
		lock.Lock()
		lock.Unlock()
	}
	each("mutex", from, count)
}

func buffered() {
	c := make(chan int, 16)
	from := measure.Now()
	for i := range count {
		c <- i
		<-c
	}
	each("buffered", from, count)
}

func unbuffered() {
	ping, pong := make(chan int), make(chan int)
	go func() {
		for v := range ping {
			pong <- v
		}
	}()
	from := measure.Now()
	for i := range count {
		ping <- i
		<-pong
	}
	each("unbuffered", from, count)
}

// status reads a line of /proc/self/status, in bytes.
func status(key string) int {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if fields := strings.Fields(s.Text()); fields[0] == key {
			n, _ := strconv.Atoi(fields[1])
			return n * 1024
		}
	}
	return 0
}

func memory() int { return status("VmRSS:") + status("VmPTE:") }

func cold() {
	c := make(chan struct{})
	before := memory()
	from := measure.Now()
	group.Add(count)
	for range count {
		go func() {
			group.Done()
			<-c
		}()
	}
	group.Wait()
	each("cold_spawn", from, count)
	measure.Result("memory_each", float64(memory()-before)/float64(count), "B")
	from = measure.Now()
	runtime.GC()
	measure.Result("cycle", float64(measure.Now()-from)/1e6, "ms")
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	measure.Result("stop", float64(s.PauseNs[(s.NumGC+255)%256])/1e3, "us")
	runtime.KeepAlive(c)
}

//go:noinline
func down(n int) int {
	x := [4]int{n}
	p := &x
	if n == 0 {
		return 0
	}
	return down(n-1) + p[0]
}

func deep() {
	done := make(chan bool)
	go func() { // like the others, on a goroutine's own stack
		from := measure.Now()
		down(count)
		each("cold_frame", from, count)
		from = measure.Now()
		down(count)
		each("hot_frame", from, count)
		measure.Result("memory", float64(status("VmRSS:"))/1e6, "MB")
		done <- true
	}()
	<-done
}

// timers is so many sleeping goroutines that wake up in the same few milliseconds.
func timers() {
	group.Add(count)
	from := measure.Now()
	for i := range count {
		go func() {
			time.Sleep(time.Duration(1+i%10) * time.Millisecond)
			group.Done()
		}()
	}
	group.Wait()
	each("sleep", from, count)
}

func main() {
	measure.Start("sched")
	kinds := map[string]struct {
		fn    func()
		count int
	}{
		"spawn": {spawn, 5000000}, "cold": {cold, 1000000}, "yield": {yield, 10000000}, "mutex": {mutex, 50000000},
		"buffered": {buffered, 20000000}, "unbuffered": {unbuffered, 5000000}, "deep": {deep, 1000000},
		"timers": {timers, 100000},
	}
	kind, found := kinds[measure.Text(0, "yield")]
	if !found {
		measure.Usage("spawn|cold|yield|mutex|buffered|unbuffered|deep|timers [count]")
	}
	count = measure.Number(1, kind.count)
	kind.fn()
	measure.Finish(uint64(count))
}
