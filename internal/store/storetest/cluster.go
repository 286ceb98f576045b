package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Cluster is a PostgreSQL server for the tests of one package. The zero value
// is ready: the server starts when the first test asks for a database.
//
//	var cluster storetest.Cluster
//
//	func TestMain(m *testing.M) {
//		code := m.Run()
//		cluster.Stop()
//		os.Exit(code)
//	}
//
// It stops when the test process ends, however that happens.
type Cluster struct {
	start   sync.Once
	err     error
	port    int
	watcher *exec.Cmd
	alive   io.Closer // the watcher's standard input: closing it stops the server

	mu    sync.Mutex
	count int
}

// errMissing says that PostgreSQL is not installed.
var errMissing = errors.New("PostgreSQL's initdb is not installed")

// Database makes an empty database and gives its URL. Without PostgreSQL the
// test is skipped, or fails in CI.
func (c *Cluster) Database(t testing.TB) string {
	t.Helper()
	c.start.Do(func() { c.err = c.run() })
	if errors.Is(c.err, errMissing) {
		if os.Getenv("CI") == "true" {
			t.Fatal(c.err)
		}
		t.Skip("not run on PostgreSQL: " + c.err.Error())
	}
	if c.err != nil {
		t.Fatal("PostgreSQL does not start: ", c.err)
	}
	c.mu.Lock()
	c.count++
	name := fmt.Sprintf("t%d", c.count)
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return c.url(name)
}

// Stop ends the server and removes its files.
func (c *Cluster) Stop() {
	if c.alive != nil {
		c.alive.Close()
		c.watcher.Wait() //nolint:errcheck // nothing is left to do about it
	}
}

func (c *Cluster) url(database string) string {
	return fmt.Sprintf("postgres://app@127.0.0.1:%d/%s?sslmode=disable", c.port, database)
}

// watch makes a cluster and starts it, says so, and stops it when its standard
// input ends: also when the test process is killed. Crash safety is not what
// these tests are about, so nothing is flushed to disk.
const watch = `set -e
bin=$1 dir=$2 port=$3
"$bin/initdb" -D "$dir/data" -U app --auth=trust -E UTF8 --locale=C.UTF-8 --no-sync
cat >>"$dir/data/postgresql.conf" <<end
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$dir'
max_connections = 200
fsync = off
full_page_writes = off
end
"$bin/pg_ctl" -D "$dir/data" -w -s -l "$dir/log" start || { cat "$dir/log" >&2; exit 1; }
echo ready
cat || true
"$bin/pg_ctl" -D "$dir/data" -w -s -m immediate stop
cd / && rm -rf "$dir"
`

func (c *Cluster) run() error {
	bin, err := postgresBin()
	if err != nil {
		return err
	}
	if c.port, err = freePort(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "facteur-pg")
	if err != nil {
		return err
	}
	args := []string{"sh", "-c", watch, "sh", bin, dir, strconv.Itoa(c.port)}
	if os.Geteuid() == 0 { // the server refuses root
		if err := own(dir, "postgres"); err != nil {
			return err
		}
		args = append([]string{"runuser", "-u", "postgres", "--"}, args...)
	}
	var stderr strings.Builder
	c.watcher = exec.CommandContext(context.Background(), args[0], args[1:]...) //nolint:gosec // the arguments are our own
	c.watcher.Dir, c.watcher.Stderr = dir, &stderr
	in, err := c.watcher.StdinPipe()
	if err != nil {
		return err
	}
	out, err := c.watcher.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.watcher.Start(); err != nil {
		return err
	}
	c.alive = in
	var said strings.Builder
	for buffer := make([]byte, 4096); !strings.HasSuffix(said.String(), "ready\n"); {
		n, err := out.Read(buffer)
		said.Write(buffer[:n])
		if err != nil {
			return fmt.Errorf("%w: %s%s", err, said.String(), stderr.String())
		}
	}
	return nil
}

// postgresBin finds the newest installed server's programs.
func postgresBin() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(real), nil
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errMissing
	}
	return filepath.Dir(found[len(found)-1]), nil
}

func freePort() (int, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func own(dir, name string) error {
	u, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	return os.Chown(dir, uid, -1)
}
