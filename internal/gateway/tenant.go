package gateway

import "time"

// Valid tells whether id can name a tenant: 1 to 64 of a-z, 0-9, "-" and "_",
// beginning with a letter or digit, so that it is safe as a folder's name too.
func (id TenantID) Valid() bool {
	for i := range len(id) {
		c := id[i]
		if alnum := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'; !alnum && (i == 0 || c != '-' && c != '_') {
			return false
		}
	}
	return len(id) >= 1 && len(id) <= 64
}

// Mode tells whether a tenant can reach real addresses.
type Mode string

// Modes of a tenant. In test mode every route ends in a sink.
const (
	ModeLive Mode = "live"
	ModeTest Mode = "test"
)

// Tenant is an isolated account.
type Tenant struct {
	ID        TenantID  `json:"id"`
	Name      string    `json:"name"`
	Mode      Mode      `json:"mode"`
	Language  string    `json:"language"`
	TimeZone  string    `json:"time_zone"`
	CreatedAt time.Time `json:"created_at"`
}

// User is a named person of a tenant. Role is one of internal/access's roles.
type User struct {
	ID           string     `json:"id"`
	Tenant       TenantID   `json:"tenant"`
	Name         string     `json:"name"`
	Email        string     `json:"email"`
	Role         string     `json:"role"`
	PasswordHash string     `json:"-"`
	CreatedAt    time.Time  `json:"created_at"`
	DisabledAt   *time.Time `json:"disabled_at,omitempty"`
}

// APIKey is a key as the store keeps it: never the secret, only its hash.
type APIKey struct {
	ID         string     `json:"id"`
	Tenant     TenantID   `json:"tenant"`
	Name       string     `json:"name"`
	Role       string     `json:"role"`
	UserID     string     `json:"user_id,omitempty"`
	SecretHash []byte     `json:"-"`
	CreatedAt  time.Time  `json:"created_at"`
	RevokedAt  *time.Time `json:"revoked_at,omitempty"`
	LastUsedAt *time.Time `json:"last_used_at,omitempty"`
}

// Actor says who did something, as events keep it.
type Actor struct {
	// Kind is "user", "api_key", "system", "peer" or "link_holder".
	Kind string `json:"kind"`
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// System is the actor of what the gateway does by itself.
var System = Actor{Kind: "system"}

// IdempotencyRecord keeps the answer to a write under the caller's key.
type IdempotencyRecord struct {
	Key string
	// Scope is the operation, e.g. "POST /v1/orders": keys of different operations do not meet.
	Scope      string
	BodySHA256 string
	// Ref is the record the write made.
	Ref       string
	Status    int
	Response  []byte
	CreatedAt time.Time
}
