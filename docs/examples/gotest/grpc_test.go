package gotest

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

func TestAGRPCClientSurvivesSilence(t *testing.T) {
	t.Parallel()
	lab := start(t)
	l := listen(t, lab, ":50051")
	server := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // until Stop
	}()
	t.Cleanup(func() {
		server.Stop()
		<-done
	})
	// passthrough gives the name to the dialer as it is.
	conn, err := grpc.NewClient("passthrough:///server:50051",
		grpc.WithContextDialer(dialer(lab)), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	check := func(within time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		_, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{}, grpc.WaitForReady(true))
		return err
	}
	if err := check(5 * time.Second); err != nil {
		t.Fatal(err)
	}
	silent := lab.Fault("silent")
	silent.On()
	if err := check(300 * time.Millisecond); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("a call to a silent server: %v, want %s", err, codes.DeadlineExceeded)
	}
	// The connection is as it was: TCP sends again what was lost, and the next call is answered on it.
	silent.Off()
	if err := check(5 * time.Second); err != nil {
		t.Error(err)
	}
}
