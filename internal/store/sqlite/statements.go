package sqlite

import (
	"context"
	"database/sql/driver"
)

// mostKept bounds the statements that one connection keeps.
const mostKept = 256

// connector opens connections that keep their statements: SQLite takes longer to
// read a statement than to run most of ours. It sees to the store's statements
// and to the job queue's alike.
type connector struct {
	driver driver.Driver
	source string
}

// Connect implements driver.Connector.
func (c connector) Connect(context.Context) (driver.Conn, error) {
	opened, err := c.driver.Open(c.source)
	if err != nil {
		return nil, err
	}
	return &conn{driverConn: opened.(driverConn), kept: map[string]*statement{}}, nil
}

// Driver implements driver.Connector.
func (c connector) Driver() driver.Driver { return c.driver }

// driverConn is what the driver's connections can do.
type driverConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// conn is a connection with the statements it has run, ready to run again. SQLite
// reads a statement anew by itself when the schema has changed. Like any
// connection it is used by one goroutine at a time.
type conn struct {
	driverConn
	kept map[string]*statement
}

// driverStmt is what the driver's statements can do.
type driverStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// statement is busy while its rows are read.
type statement struct {
	driverStmt
	busy bool
}

// ExecContext implements driver.ExecerContext.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if s.busy {
		return c.driverConn.ExecContext(ctx, query, args)
	}
	return s.ExecContext(ctx, args)
}

// QueryContext implements driver.QueryerContext.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if s.busy {
		return c.driverConn.QueryContext(ctx, query, args)
	}
	found, err := s.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	s.busy = true
	return openRows{found.(driverRows), s}, nil
}

// statement finds the statement among those kept, or keeps it. Those that are
// made up for one request only push the others out at times.
func (c *conn) statement(ctx context.Context, query string) (*statement, error) {
	if s, ok := c.kept[query]; ok {
		return s, nil
	}
	if len(c.kept) >= mostKept {
		for q, s := range c.kept {
			if s.busy {
				continue
			}
			delete(c.kept, q)
			if err := s.Close(); err != nil {
				return nil, err
			}
		}
	}
	prepared, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s := &statement{driverStmt: prepared.(driverStmt)}
	c.kept[query] = s
	return s, nil
}

// Close implements driver.Conn.
func (c *conn) Close() error {
	for _, s := range c.kept {
		_ = s.Close() // the connection's own error says what matters
	}
	return c.driverConn.Close()
}

// driverRows is what the driver's rows can do.
type driverRows interface {
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypeLength
	driver.RowsColumnTypeNullable
	driver.RowsColumnTypePrecisionScale
	driver.RowsColumnTypeScanType
}

// openRows give their statement back when they are closed.
type openRows struct {
	driverRows
	of *statement
}

// Close implements driver.Rows.
func (r openRows) Close() error {
	r.of.busy = false
	return r.driverRows.Close()
}
