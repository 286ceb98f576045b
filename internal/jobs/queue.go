package jobs

import (
	"context"
	"database/sql"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

	"facteur.dev/facteur/internal/gateway"
)

// wake is the one kind of job: look at a task.
type wake struct {
	Tenant   gateway.TenantID `json:"tenant"`
	Task     string           `json:"task"`
	TaskKind gateway.TaskKind `json:"kind"`
	Group    string           `json:"group,omitempty"`
}

// Kind names the job for River.
func (wake) Kind() string { return "wake" }

// queueName is River's queue of all wake-ups. They are done in no time, so that
// one queue serves all kinds.
const queueName = "wake"

// Queue puts wake-ups beside tasks, in the store's own transactions, and tells
// the [Runner] of this process at once. It is the sqlstore.Queue of a store.
type Queue struct {
	clock   gateway.Clock
	migrate func(ctx context.Context) error
	insert  func(ctx context.Context, tx *sql.Tx, jobs []river.InsertManyParams) error
	// client makes what works the queue.
	client func(config *river.Config) (client, error)
	fetch  fetch
	log    *slog.Logger

	mu     sync.Mutex
	listen func(gateway.Wakeup)
}

// client is the part of a River client that does not depend on the driver.
type client interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
}

// fetch says how often River looks for jobs.
type fetch struct {
	cooldown, poll time.Duration
}

// NewSQLiteQueue makes the queue of a SQLite store. db is the store's connection
// that writes, so that River's writes queue up with the others. SQLite tells
// nobody of new rows: other processes on the file find them by polling.
func NewSQLiteQueue(db *sql.DB, clock gateway.Clock, log *slog.Logger) (*Queue, error) {
	q := &Queue{clock: clock, log: quiet(log), fetch: fetch{cooldown: 10 * time.Millisecond, poll: 200 * time.Millisecond}}
	q.client = func(config *river.Config) (client, error) { return river.NewClient(riversqlite.New(db), config) }
	q.migrate = func(ctx context.Context) error { return migrateSQLite(ctx, db, q.log) }
	return q, prepare(q, riversqlite.New(nil))
}

// NewPostgresQueue makes the queue of a PostgreSQL store. Runners of all
// processes hear of new jobs by LISTEN.
func NewPostgresQueue(pool *pgxpool.Pool, clock gateway.Clock, log *slog.Logger) (*Queue, error) {
	q := &Queue{clock: clock, log: quiet(log), fetch: fetch{cooldown: 5 * time.Millisecond, poll: time.Second}}
	q.client = func(config *river.Config) (client, error) { return river.NewClient(riverpgxv5.New(pool), config) }
	q.migrate = func(ctx context.Context) error { return migratePostgres(ctx, pool, q.log) }
	return q, prepare(q, riverdatabasesql.New(nil))
}

// prepare makes the client that inserts in transactions of database/sql.
func prepare(q *Queue, driver riverdriver.Driver[*sql.Tx]) error {
	inserter, err := river.NewClient(driver, &river.Config{Logger: q.log, FetchCooldown: q.fetch.cooldown})
	if err != nil {
		return err
	}
	q.insert = func(ctx context.Context, tx *sql.Tx, jobs []river.InsertManyParams) error {
		_, err := inserter.InsertManyFastTx(ctx, tx, jobs)
		return err
	}
	return nil
}

// Migrate brings River's tables up to date. Several processes may call it at once.
func (q *Queue) Migrate(ctx context.Context) error { return q.migrate(ctx) }

// Insert puts wake-ups into a transaction. A task that is due later gets none:
// the sweep finds it sooner than River would.
func (q *Queue) Insert(ctx context.Context, tx *sql.Tx, wakeups []gateway.Wakeup) error {
	now := q.clock.Now()
	var jobs []river.InsertManyParams
	for _, w := range wakeups {
		if !w.DueAt.After(now) {
			args := wake{Tenant: w.Tenant, Task: w.TaskID, TaskKind: w.Kind, Group: w.Group}
			jobs = append(jobs, river.InsertManyParams{Args: args, InsertOpts: &river.InsertOpts{Queue: queueName, MaxAttempts: 1}})
		}
	}
	if len(jobs) == 0 {
		return nil
	}
	return q.insert(ctx, tx, jobs)
}

// Committed tells the runner of this process of tasks that were added or given back.
func (q *Queue) Committed(wakeups []gateway.Wakeup) {
	q.mu.Lock()
	listen := q.listen
	q.mu.Unlock()
	if listen == nil {
		return
	}
	for _, w := range wakeups {
		listen(w)
	}
}

// tell sets who hears of wake-ups from now on; nil for nobody.
func (q *Queue) tell(listen func(gateway.Wakeup)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.listen = listen
}

// work starts River; it calls listen for every wake-up, which must not block.
func (q *Queue) work(ctx context.Context, owner string, listen func(gateway.Wakeup)) (client, error) {
	workers := river.NewWorkers()
	err := river.AddWorkerSafely(workers, river.WorkFunc(func(_ context.Context, job *river.Job[wake]) error {
		listen(gateway.Wakeup{Tenant: job.Args.Tenant, TaskID: job.Args.Task, Kind: job.Args.TaskKind, Group: job.Args.Group})
		return nil
	}))
	if err != nil {
		return nil, err
	}
	c, err := q.client(&river.Config{
		ID: owner, Logger: q.log, Workers: workers, Queues: map[string]river.QueueConfig{queueName: {MaxWorkers: 100}},
		FetchCooldown: q.fetch.cooldown, FetchPollInterval: q.fetch.poll,
		// Jobs carry nothing worth keeping, and a job of a dead process nothing to rescue.
		MaxAttempts: 1, JobTimeout: 10 * time.Second, RescueStuckJobsAfter: time.Minute,
		CompletedJobRetentionPeriod: 10 * time.Second, CancelledJobRetentionPeriod: 10 * time.Second, DiscardedJobRetentionPeriod: 10 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	return c, c.Start(ctx)
}

// migrateSQLite migrates in one immediate transaction, which locks other
// processes out.
func migrateSQLite(ctx context.Context, db *sql.DB, log *slog.Logger) error {
	migrator, err := rivermigrate.New(riversqlite.New(db), &rivermigrate.Config{Logger: log})
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	_, err = migrator.MigrateTx(ctx, tx, rivermigrate.DirectionUp, nil) //nolint:staticcheck // deprecated for PostgreSQL's sake; SQLite can
	if err != nil {
		return err
	}
	return tx.Commit()
}

// migrationLock is the key of the advisory lock held while migrating.
const migrationLock = 0x6661637465757202 // "facteur", 2

// migratePostgres migrates under an advisory lock, each version in a transaction.
func migratePostgres(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: log})
	if err != nil {
		return err
	}
	lock, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer lock.Release()
	if _, err := lock.Exec(ctx, "SELECT pg_advisory_lock($1)", int64(migrationLock)); err != nil {
		return err
	}
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	if _, e := lock.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", int64(migrationLock)); err == nil {
		err = e
	}
	return err
}

// quiet lets only River's warnings and errors through: it tells of each start,
// stop and count of jobs otherwise.
func quiet(log *slog.Logger) *slog.Logger { return slog.New(quietHandler{log.Handler()}) }

type quietHandler struct{ slog.Handler }

func (h quietHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

func (h quietHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quietHandler{h.Handler.WithAttrs(attrs)}
}

func (h quietHandler) WithGroup(name string) slog.Handler {
	return quietHandler{h.Handler.WithGroup(name)}
}
