package gotest

import (
	"context"
	"database/sql"
	"halfopen/harness/halfopentest"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

func TestADatabasePoolSurvivesSilence(t *testing.T) {
	t.Parallel()
	lab := halfopentest.Start(t, halfopentest.File("testdata/postgres.yaml"), halfopentest.Off("silent"))
	config, err := pgx.ParseConfig("host=server user=postgres dbname=postgres sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	config.DialFunc = lab.Host("client").Dial
	config.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil } // Dial resolves it
	db := stdlib.OpenDB(*config)
	defer db.Close()
	db.SetMaxOpenConns(1)
	if err := query(t.Context(), db, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	silent := lab.Fault("silent")
	silent.On()
	if err := query(t.Context(), db, 300*time.Millisecond); err == nil {
		t.Error("a silent database answered")
	}
	silent.Off()
	// The pool has closed the connection whose query was given up.
	if err := query(t.Context(), db, 5*time.Second); err != nil {
		t.Error(err)
	}
	if n := db.Stats().OpenConnections; n != 1 {
		t.Errorf("%d connections are open, want 1", n)
	}
}

// query asks the database something, within a time.
func query(ctx context.Context, db *sql.DB, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var n int
	return db.QueryRowContext(ctx, "select 6*7").Scan(&n)
}
