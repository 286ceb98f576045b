// Package jobs runs the work that is due: the tasks of internal/gateway, on
// River's queue, on SQLite and PostgreSQL alike.
//
// The task row is the truth. A River job only says "look at this task"; it is
// inserted in the transaction that adds the task ([Queue]) and is done as soon
// as the [Runner] has heard it. So nothing hangs on River's own states: a
// wake-up that comes twice or too late finds the task gone, and one that was
// lost is made up for by the sweep, which looks for due tasks and for leases
// that ran out when the runner starts and every few seconds.
//
// A runner holds a task by a lease that it keeps extending while the handler
// works. When the process dies the lease runs out and another runner takes the
// task; the fence of the claim keeps the first one from writing any more.
//
// Handlers run with a bound for each kind and, within a kind, for each group of
// tasks (one peer's address), so that neither a slow kind nor a slow peer holds
// up the others.
package jobs
