package postgres

import (
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/shakedown-dev/shakedown/runner/client"
)

// committed turns the error of a COMMIT into what is known about the
// transaction. Of all errors only these concern anybody but the client: whatever
// goes wrong before a COMMIT is sent, a connection that breaks included, ends a
// transaction without a trace.
//
// A COMMIT is known to have failed if it was not sent, if the server answered it
// with a rollback, or if it refused it with an error after which the session
// goes on. An error that ends the session (FATAL, as in a shutdown) may come
// after the commit was on disk, and an answer that did not come proves nothing.
func committed(err error) error {
	var said *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pgx.ErrTxCommitRollback), pgconn.SafeToRetry(err):
		return client.Harmless(err)
	case errors.As(err, &said) && said.Severity == "ERROR" && !doubtful(said.Code):
		return client.Harmless(err)
	}
	return err
}

// doubtful tells of codes that say themselves that nobody knows.
func doubtful(code string) bool {
	switch code {
	case "40003", // statement_completion_unknown
		"08007", // transaction_resolution_unknown
		"57014": // query_canceled: of a commit, perhaps while it waited for a standby
		return true
	}
	return false
}
