// Package gotest shows tests of Go programs in labs of halfopen: net/http, database/sql and gRPC, each while the
// network fails.
package gotest

import (
	"context"
	"halfopen/harness/halfopentest"
	"net"
	"testing"
)

func TestMain(m *testing.M) { halfopentest.Main(m) }

// start makes the lab of two hosts. The faults wait for the test.
func start(t *testing.T) *halfopentest.Lab {
	t.Helper()
	return halfopentest.Start(t, halfopentest.File("testdata/two-hosts.yaml"), halfopentest.Off("silent", "answer-lost"))
}

// listen listens on the server.
func listen(t *testing.T, lab *halfopentest.Lab, address string) net.Listener {
	t.Helper()
	l, err := lab.Host("server").Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// dialer returns what dials from the client, for libraries that want no network.
func dialer(lab *halfopentest.Lab) func(context.Context, string) (net.Conn, error) {
	client := lab.Host("client")
	return func(ctx context.Context, address string) (net.Conn, error) { return client.Dial(ctx, "tcp", address) }
}

// A scenario of the library is a test as well.
func TestConnectionRefused(t *testing.T) {
	halfopentest.Run(t, "connect-refused", halfopentest.Parallel())
}
