package harness_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"halfopen/internal/testlab"
)

// goClientEnv makes the test a client, as people write them in Go: the words are a kind of client and
// a time, after which it gives up; 0 is the default.
const goClientEnv = "GO_CLIENT"

// goClient is that client. Its pages come over a pooled connection, with a pause between them.
func goClient(words string) error {
	kind, text, _ := strings.Cut(words, " ")
	timeout, err := time.ParseDuration(text)
	if err != nil {
		return err
	}
	if kind == "dial" {
		c, err := (&net.Dialer{Timeout: timeout}).Dial("tcp", "www.example.test:80")
		if err != nil {
			return err
		}
		return c.Close()
	}
	client := &http.Client{Timeout: timeout}
	for _, page := range []string{"first", "second", "third"} {
		r, err := client.Get("http://server/" + page)
		if err == nil {
			_, err = io.Copy(io.Discard, r.Body)
			r.Body.Close()
		}
		fmt.Println(page, err)
		time.Sleep(200 * time.Millisecond)
	}
	return nil
}

// What the library says of Go's clients is so: in pool-forgotten and in dead-first-address.
func TestGoClientsDoWhatTheLibrarySays(t *testing.T) {
	needLab(t)
	binary, err := os.Executable()
	testlab.Need(t, "the path of the test", err)
	list := only(t, fmt.Sprintf(`
name: go-pool
title: The default transport uses a connection that a firewall has forgotten
cases:
  - {case: without, timeout: 0s, duration: 2s}
  - {case: timeout, timeout: 1s, duration: ~}
duration: "${duration}"
hosts: {client: {}, server: {}}
faults:
  forgotten: {match: {tcp: any, conn: 1}, from: {log: client.exec, contains: first}, do: drop}
actors:
  server:
    - listen: 80
    - accept: {as: one}
    - recv
    - send: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    - {accept: {as: two}, only: timeout}
    - {recv: , only: timeout}
    - {send: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", id: third, only: timeout}
  client:
    - exec: {command: [%q], env: {%s: "pages ${timeout}"}}
expect:
  - {step: client.exec, hangs: true, only: without}
  - {log: client.exec, matches: "^second .*Client.Timeout exceeded while awaiting headers", only: timeout}
  - {log: client.exec, contains: third <nil>, only: timeout}
  - {packets: {from: client, tcp: DATA, conn: 1, retransmission: true}, count: ">= 2"}
`, binary, goClientEnv))
	list = append(list, only(t, fmt.Sprintf(`
name: go-dial
title: The Dialer shares its timeout out among addresses of one version
hosts: {client: {}, server: {}, old: {}}
dns: {server: server, records: {www.example.test: [old, server]}}
faults:
  gone: {match: {to: old, tcp: SYN}, do: drop}
actors:
  old: [{listen: 80}]
  server: [{listen: 80}]
  client:
    - exec: {command: [%q], env: {%s: dial 5s}}
expect:
  - {process: client.exec, exit: 0}
  - {packets: {from: client, to: server, tcp: SYN}, at: [2500ms..4s], since: client.exec.start}
`, binary, goClientEnv))...)
	for _, j := range runAll(t, list) {
		for _, line := range append(j.failures(), j.inconclusive()...) {
			t.Errorf("%s: %s", j.scenario.ID(), line)
		}
	}

	transport := http.DefaultTransport.(*http.Transport)
	if transport.IdleConnTimeout != 90*time.Second || transport.ResponseHeaderTimeout != 0 {
		t.Errorf("the default transport keeps idle connections for %v, and waits %v for a header",
			transport.IdleConnTimeout, transport.ResponseHeaderTimeout)
	}
}
