// The Go form of ../../web.c, on net/http: see there.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"

	"tricolor/bench/measure"
)

func main() {
	measure.Start("web")
	seconds, connections := measure.Number(0, 5), measure.Number(1, 64)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, "web:", err)
		os.Exit(1)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "Hello, world\n") })
	go http.Serve(listener, nil)
	out, err := exec.Command("wrk", "-t1", fmt.Sprintf("-c%d", connections), fmt.Sprintf("-d%ds", seconds), "--latency",
		fmt.Sprintf("http://%s/", listener.Addr())).Output()
	if err == nil {
		if m := regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`).FindSubmatch(out); m != nil {
			rate, _ := strconv.ParseFloat(string(m[1]), 64)
			measure.Result("rate", rate, "1/s")
		}
	}
	measure.Finish(uint64(connections))
}
