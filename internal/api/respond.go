package api

import (
	"context"
	"encoding/json"
	"errors"
	"hash/maphash"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/outbound"
)

// find asks the tenant's store.
func find[T any](a *API, c echo.Context, fn func(ctx context.Context, r gateway.Reader) (T, error)) (T, error) {
	var out T
	ctx := c.Request().Context()
	err := a.Store.For(tenant(c)).Read(ctx, func(r gateway.Reader) (err error) {
		out, err = fn(ctx, r)
		return err
	})
	return out, err
}

// list answers with what fn finds. A list without items is [], never null.
func list[T any](a *API, c echo.Context, fn func(ctx context.Context, r gateway.Reader) ([]T, error)) error {
	return listPage(a, c, func(ctx context.Context, r gateway.Reader) (gateway.List[T], error) {
		items, err := fn(ctx, r)
		return gateway.List[T]{Items: items}, err
	})
}

// listPage answers with one page of a list.
func listPage[T any](a *API, c echo.Context, fn func(ctx context.Context, r gateway.Reader) (gateway.List[T], error)) error {
	out, err := find(a, c, fn)
	if err != nil {
		return err
	}
	if out.Items == nil {
		out.Items = []T{}
	}
	return c.JSON(http.StatusOK, out)
}

// mapped gives the items of a page in another form.
func mapped[T, U any](page gateway.List[T], form func(T) U) gateway.List[U] {
	out := gateway.List[U]{Items: make([]U, len(page.Items)), Next: page.Next}
	for i, item := range page.Items {
		out.Items[i] = form(item)
	}
	return out
}

// one answers with a record and its version as ETag, or 304.
func one[T any](a *API, c echo.Context, version func(T) int64, fn func(ctx context.Context, r gateway.Reader) (T, error)) error {
	out, err := find(a, c, fn)
	if err != nil {
		return err
	}
	if notModified(c, strconv.FormatInt(version(out), 10)) {
		return c.NoContent(http.StatusNotModified)
	}
	return c.JSON(http.StatusOK, out)
}

// notModified sets the ETag and tells whether the caller has it already.
func notModified(c echo.Context, tag string) bool {
	tag = `"` + tag + `"`
	c.Response().Header().Set("ETag", tag)
	for known := range strings.SplitSeq(c.Request().Header.Get("If-None-Match"), ",") {
		if known = strings.TrimSpace(known); known == "*" || strings.TrimPrefix(known, "W/") == tag {
			return true
		}
	}
	return false
}

// created answers with the record that a submission made, or made before.
func created(c echo.Context, a outbound.Answer, at string) error {
	c.Response().Header().Set(echo.HeaderLocation, at+a.Ref)
	replayed(c, a.Replayed)
	return c.JSONBlob(http.StatusCreated, a.Body)
}

// replayed says of an answer that it was given before.
func replayed(c echo.Context, known bool) {
	if known {
		c.Response().Header().Set("Idempotent-Replayed", "true")
	}
}

// outcome is what a decision is answered with.
type outcome struct {
	status  int
	version int64 // of the record, 0 for none
	body    any
}

// decision is a write that the state of its record allows once. It gets the body
// of the request.
type decision func(c echo.Context, content []byte) (outcome, error)

// once answers a decision that is repeated under its idempotency key as it was
// answered first. The state of the record, not the key, keeps it from being made
// twice: after a crash between the two the repetition is told the state.
func (a *API) once(decide decision) echo.HandlerFunc {
	return func(c echo.Context) error {
		key, err := idempotencyKey(c)
		if err != nil {
			return err
		}
		content, err := a.body(c)
		if err != nil {
			return err
		}
		r := c.Request()
		record := gateway.IdempotencyRecord{
			Key: key, Scope: r.Method + " " + r.URL.Path, CreatedAt: a.Clock.Now(),
			BodySHA256: outbound.KeyOf([]byte(r.URL.RawQuery + "\n" + string(content))),
		}
		if key != "" {
			defer a.turns.take(tenant(c), record.Scope, key)()
			known, err := a.known(c, record)
			if err == nil {
				replayed(c, true)
				return respond(c, known.Status, versionOf(known.Response), known.Response)
			}
			if !errors.Is(err, gateway.ErrNotFound) {
				return err
			}
		}
		out, err := decide(c, content)
		if err != nil {
			return err
		}
		record.Status = out.status
		if record.Response, err = json.Marshal(out.body); err != nil {
			return err
		}
		if key != "" {
			a.remember(c, record)
		}
		return respond(c, out.status, out.version, record.Response)
	}
}

// known finds the first answer of a repeated write.
func (a *API) known(c echo.Context, r gateway.IdempotencyRecord) (gateway.IdempotencyRecord, error) {
	known, err := find(a, c, func(ctx context.Context, reader gateway.Reader) (gateway.IdempotencyRecord, error) {
		return reader.Idempotent(ctx, r.Scope, r.Key)
	})
	if err == nil && known.BodySHA256 != r.BodySHA256 {
		return known, gateway.ErrIdempotencyKey.For(known.Ref)
	}
	return known, err
}

// remember keeps an answer for its repetitions. The decision is made whether this
// succeeds or not.
func (a *API) remember(c echo.Context, r gateway.IdempotencyRecord) {
	ctx := context.WithoutCancel(c.Request().Context())
	err := a.Store.For(tenant(c)).Write(ctx, func(tx gateway.Tx) error { return tx.PutIdempotent(ctx, r) })
	if err != nil && !errors.Is(err, gateway.ErrDuplicate) {
		a.Log.WarnContext(ctx, "an answer could not be kept for its repetitions", "error", err)
	}
}

func respond(c echo.Context, status int, version int64, body []byte) error {
	if version > 0 {
		c.Response().Header().Set("ETag", `"`+strconv.FormatInt(version, 10)+`"`)
	}
	return c.JSONBlob(status, body)
}

// versionOf is the version that an answer tells, 0 for none.
func versionOf(body []byte) int64 {
	var v struct {
		Version int64 `json:"version"`
	}
	if json.Unmarshal(body, &v) != nil {
		return 0
	}
	return v.Version
}

// turns lets repetitions that come at once wait for each other.
type turns struct {
	locks [64]sync.Mutex
	seed  maphash.Seed
}

// take waits for the turn of a key and returns how to give it back.
func (t *turns) take(tenant gateway.TenantID, scope, key string) func() {
	lock := &t.locks[maphash.String(t.seed, string(tenant)+"\x00"+scope+"\x00"+key)%uint64(len(t.locks))]
	lock.Lock()
	return lock.Unlock
}
