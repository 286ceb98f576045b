package sqlstore

import (
	"context"
	"errors"
	"time"

	"facteur.dev/facteur/internal/gateway"
)

var tasks = newTable("tasks", func(t *gateway.Task) []field {
	return []field{
		{"id", str(&t.ID)},
		{"kind", str(&t.Kind)},
		{"ref", str(&t.Ref)},
		{"shared", str(&t.Group)},
		{"data", raw{&t.Data}},
		{"due_at", moment{&t.DueAt}},
		{"attempts", num(&t.Attempts)},
		{"fence", num(&t.Fence)},
		{"lease_owner", str(&t.LeaseOwner)},
		{"lease_until", moment{&t.LeaseUntil}},
		{"last_error", str(&t.LastError)},
		{"created_at", moment{&t.CreatedAt}},
	}
}, func(t *gateway.Task) *gateway.TenantID { return &t.Tenant })

var wakeups = newTable("tasks", func(w *gateway.Wakeup) []field {
	return []field{
		{"id", str(&w.TaskID)},
		{"kind", str(&w.Kind)},
		{"shared", str(&w.Group)},
		{"due_at", moment{&w.DueAt}},
	}
}, func(w *gateway.Wakeup) *gateway.TenantID { return &w.Tenant })

// held names the row of a task whose lease the caller has.
const held = " WHERE tenant = ? AND id = ? AND fence = ?"

// AddTask implements gateway.Tx.
func (s *session) AddTask(ctx context.Context, t gateway.Task) error {
	t.Attempts, t.Fence, t.LeaseOwner, t.LeaseUntil = 0, 0, "", time.Time{}
	if _, err := tasks.insert(ctx, s, &t, ""); err != nil {
		return err
	}
	w := gateway.Wakeup{Tenant: s.tenant, TaskID: t.ID, Kind: t.Kind, Group: t.Group, DueAt: t.DueAt}
	s.added = append(s.added, w)
	s.changed = append(s.changed, w)
	return nil
}

// HoldTask implements gateway.Tx.
func (s *session) HoldTask(ctx context.Context, t gateway.Task) error {
	var fence int64
	err := s.get(ctx, []any{&fence}, "SELECT fence FROM tasks WHERE tenant = ? AND id = ?", string(s.tenant), t.ID)
	switch {
	case errors.Is(err, gateway.ErrNotFound), err == nil && fence != t.Fence:
		return gateway.ErrLeaseLost.For(t.ID)
	}
	return err
}

// EndTask implements gateway.Tx.
func (s *session) EndTask(ctx context.Context, t gateway.Task) error {
	return leased(t.ID)(s.exec(ctx, "DELETE FROM tasks"+held, string(s.tenant), t.ID, t.Fence))
}

// DeferTask implements gateway.Tx.
func (s *session) DeferTask(ctx context.Context, t gateway.Task) error {
	err := leased(t.ID)(s.exec(ctx,
		"UPDATE tasks SET due_at = ?, last_error = ?, lease_owner = '', lease_until = ?, fence = fence + 1"+held,
		micros(t.DueAt), t.LastError, micros(time.Time{}), string(s.tenant), t.ID, t.Fence))
	if err == nil {
		s.changed = append(s.changed, gateway.Wakeup{Tenant: s.tenant, TaskID: t.ID, Kind: t.Kind, Group: t.Group, DueAt: t.DueAt})
	}
	return err
}

// TasksFor implements gateway.Tx.
func (s *session) TasksFor(ctx context.Context, kind gateway.TaskKind, ref string) ([]gateway.Task, error) {
	return tasks.all(ctx, s, "WHERE tenant = ? AND ref = ? AND kind = ? ORDER BY created_at, id", string(s.tenant), ref, string(kind))
}

// leased turns "no row had the fence" into ErrLeaseLost.
func leased(id string) func(n int64, err error) error {
	return func(n int64, err error) error {
		if err == nil && n == 0 {
			return gateway.ErrLeaseLost.For(id)
		}
		return err
	}
}

// ClaimTask implements gateway.SystemStore.
func (x system) ClaimTask(ctx context.Context, tenant gateway.TenantID, id, owner string, now time.Time, lease time.Duration) (gateway.Task, error) {
	// Most wake-ups that come too late are for tasks that are gone or held: a
	// look is cheaper than a try to write.
	var t gateway.Task
	err := x.store.read(ctx, tenant, func(s *session) (err error) {
		t, err = tasks.byID(ctx, s, id)
		return err
	})
	if err != nil {
		return gateway.Task{}, err
	}
	if t.DueAt.After(now) || t.LeaseUntil.After(now) {
		return gateway.Task{}, gateway.ErrConflict.With("the task is held or not due", nil).For(id)
	}
	var claimed int64
	err = x.store.step(ctx, func(s *session) (err error) {
		// What was read above must still stand: nobody claimed, deferred or extended it since.
		claimed, err = s.exec(ctx, "UPDATE tasks SET attempts = attempts + 1, fence = fence + 1, lease_owner = ?, lease_until = ?"+held+" AND lease_until <= ?",
			owner, micros(now.Add(lease)), string(tenant), id, t.Fence, micros(now))
		return err
	})
	if err != nil {
		return gateway.Task{}, err
	}
	if claimed == 0 {
		return gateway.Task{}, gateway.ErrConflict.With("another worker took the task", nil).For(id)
	}
	t.Attempts++
	t.Fence++
	t.LeaseOwner, t.LeaseUntil = owner, now.Add(lease)
	return t, nil
}

// ExtendLease implements gateway.SystemStore.
func (x system) ExtendLease(ctx context.Context, t gateway.Task, until time.Time) error {
	return x.store.step(ctx, func(s *session) error {
		return leased(t.ID)(s.exec(ctx, "UPDATE tasks SET lease_until = ?"+held, micros(until), string(t.Tenant), t.ID, t.Fence))
	})
}

// DueTasks implements gateway.SystemStore.
func (x system) DueTasks(ctx context.Context, now time.Time, after gateway.Wakeup, limit int) (due []gateway.Wakeup, err error) {
	where := &filter{}
	where.and("due_at <= ? AND lease_until <= ?", micros(now), micros(now))
	if after.TaskID != "" {
		where.and("(due_at, tenant, id) > (?, ?, ?)", micros(after.DueAt), string(after.Tenant), after.TaskID)
	}
	err = x.store.read(ctx, "", func(s *session) error {
		due, err = wakeups.all(ctx, s, where.where()+" ORDER BY due_at, tenant, id LIMIT ?", append(where.args, int64(max(limit, 0)))...)
		return err
	})
	return due, err
}

// Stats implements gateway.SystemStore.
func (x system) Stats(ctx context.Context, now time.Time) (stats gateway.Stats, err error) {
	err = x.store.read(ctx, "", func(s *session) error {
		stats = gateway.Stats{}
		if err := s.get(ctx, []any{&stats.Tasks}, "SELECT COUNT(*) FROM tasks"); err != nil {
			return err
		}
		var oldest *time.Time
		err := s.get(ctx, []any{&stats.Due, maybe{&oldest}}, "SELECT COUNT(*), MIN(due_at) FROM tasks WHERE due_at <= ? AND lease_until <= ?", micros(now), micros(now))
		if oldest != nil {
			stats.OldestDue = *oldest
		}
		return err
	})
	return stats, err
}
