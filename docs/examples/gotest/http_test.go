package gotest

import (
	"halfopen/harness/halfopentest"
	"io"
	"net/http"
	"os"
	"testing"
	"time"
)

// serve serves HTTP on the server, and returns a client.
func serve(t *testing.T, lab *halfopentest.Lab) *http.Client {
	t.Helper()
	l := listen(t, lab, ":80")
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "hello") // the client checks what comes
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // until Close
	}()
	t.Cleanup(func() {
		server.Close()
		<-done
	})
	return lab.Host("client").HTTPClient()
}

func get(client *http.Client) (string, error) {
	r, err := client.Get("http://server/")
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	return string(text), err
}

func TestAnHTTPClientWithATimeoutSurvivesSilence(t *testing.T) {
	t.Parallel()
	lab := start(t)
	client := serve(t, lab)
	client.Timeout = 300 * time.Millisecond
	if text, err := get(client); text != "hello" {
		t.Fatalf("%q, %v", text, err)
	}
	silent := lab.Fault("silent")
	silent.On()
	// The request goes out on the idle connection, and nothing comes back.
	if _, err := get(client); !os.IsTimeout(err) {
		t.Errorf("a request to a silent server: %v, want a timeout", err)
	}
	silent.Off()
	// The client has given up that connection, and makes a new one.
	if text, err := get(client); text != "hello" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestALostAnswerDelaysARequest(t *testing.T) {
	t.Parallel()
	lab := start(t)
	client := serve(t, lab)
	lab.Fault("answer-lost").On()
	began := time.Now()
	if text, err := get(client); text != "hello" {
		t.Errorf("%q, %v", text, err)
	}
	if took := time.Since(began); took < 200*time.Millisecond {
		t.Errorf("it took %s, want the retransmission timeout of 200 ms, or more", took)
	}
}
