package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/logging"
)

const principalKey = "principal"

// keyID is the log attribute of the API key in use.
const keyID = "key_id"

// authenticate finds out who asks by the API key in the Authorization header.
func (a *API) authenticate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "private, no-cache") // may be kept, but not used without asking
		r := c.Request()
		scheme, text, _ := strings.Cut(r.Header.Get(echo.HeaderAuthorization), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return unauthorized("an API key is needed: Authorization: Bearer fk_…")
		}
		key, err := access.ParseAPIKey(strings.TrimSpace(text))
		if err == nil && !a.keys.mayTry(c.RealIP(), key.ID) {
			return errTooMany
		}
		var stored gateway.APIKey
		if err == nil {
			stored, err = a.valid(r.Context(), key)
		}
		if errors.Is(err, access.ErrKeyForm) || errors.Is(err, gateway.ErrNotFound) {
			if !a.keys.wrong(c.RealIP()) {
				return errTooMany
			}
			return unauthorized("the API key is not valid")
		}
		if err != nil {
			return err
		}
		c.Set(principalKey, access.Principal{
			Tenant: string(stored.Tenant), KeyID: stored.ID, UserID: stored.UserID,
			Name: stored.Name, Role: access.Role(stored.Role), Via: access.ViaAPIKey,
		})
		ctx := logging.With(r.Context(), slog.String(logging.TenantID, string(stored.Tenant)), slog.String(keyID, stored.ID))
		c.SetRequest(r.WithContext(ctx))
		if a.keys.used(stored.ID) {
			if err := a.Store.System().TouchAPIKey(ctx, stored.ID, a.Clock.Now()); err != nil {
				a.Log.WarnContext(ctx, "the use of an API key could not be noted", "error", err)
			}
		}
		return next(c)
	}
}

// valid finds the stored key. A key that is unknown, wrong or revoked, or whose
// owner is disabled, is not found.
func (a *API) valid(ctx context.Context, key access.APIKey) (gateway.APIKey, error) {
	stored, err := a.Store.System().APIKey(ctx, key.ID)
	if err != nil {
		return stored, err
	}
	if stored.RevokedAt != nil || !key.Matches(stored.SecretHash) {
		return stored, gateway.ErrNotFound
	}
	if stored.UserID == "" {
		return stored, nil
	}
	return stored, a.Store.For(stored.Tenant).Read(ctx, func(r gateway.Reader) error {
		owner, err := r.User(ctx, stored.UserID)
		if err == nil && owner.DisabledAt != nil {
			return gateway.ErrNotFound
		}
		return err
	})
}

// allow lets a request pass whose principal has the permission.
func (a *API) allow(action access.Action) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if p := principal(c); !p.Can(action) {
				return gateway.ErrForbidden.With("the role "+string(p.Role)+" does not allow: "+string(action), nil)
			}
			return next(c)
		}
	}
}

// How many wrong keys a network address may present: so many at once, and one
// more each time the interval has passed.
const (
	wrongBurst = 20
	wrongEvery = 3 * time.Second
	// mostAddresses bounds the memory for them.
	mostAddresses = 10_000
	// touchEvery is how exactly the last use of a key is known.
	touchEvery = time.Minute
)

// keyring remembers which keys were right and which addresses presented wrong
// ones, in this process. Keys cannot be guessed; what is bounded is the work that
// guesses cause. A key that was right before passes from any address: one program
// with an old key does not shut out the others behind the same proxy.
type keyring struct {
	now func() time.Time

	mu    sync.Mutex
	right map[string]time.Time // by key id: when its use was last noted
	full  map[string]time.Time // by address: when it may present the whole burst again
}

func newKeyring(now func() time.Time) *keyring {
	return &keyring{now: now, right: map[string]time.Time{}, full: map[string]time.Time{}}
}

// mayTry tells whether a key is worth looking for.
func (k *keyring) mayTry(address, id string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, known := k.right[id]; known {
		return true
	}
	return k.full[address].Sub(k.now()) <= (wrongBurst-1)*wrongEvery
}

// wrong counts a wrong key, and tells whether its address may present another.
func (k *keyring) wrong(address string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if len(k.full) >= mostAddresses {
		k.sweep(now)
	}
	full := k.full[address]
	if full.Before(now) {
		full = now
	}
	if full.Sub(now) > (wrongBurst-1)*wrongEvery {
		return false
	}
	k.full[address] = full.Add(wrongEvery)
	return true
}

// sweep forgets addresses whose burst is whole again; when none is, all of them.
func (k *keyring) sweep(now time.Time) {
	for address, full := range k.full {
		if full.Before(now) {
			delete(k.full, address)
		}
	}
	if len(k.full) >= mostAddresses {
		clear(k.full)
	}
}

// used notes that a key was right, and tells whether the store should know.
func (k *keyring) used(id string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if last, ok := k.right[id]; ok && now.Sub(last) < touchEvery {
		return false
	}
	k.right[id] = now
	return true
}

var errTooMany = &gateway.Error{Code: "too_many", Message: "too many wrong API keys came from this address; wait a little", Retryable: true}

func unauthorized(message string) error {
	return &gateway.Error{Code: "unauthorized", Message: message}
}

// limitBody bounds what a request may carry.
func (a *API) limitBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.ContentLength > a.MaxBody {
			return a.tooLarge(nil)
		}
		r.Body = http.MaxBytesReader(c.Response(), r.Body, a.MaxBody)
		return next(c)
	}
}
