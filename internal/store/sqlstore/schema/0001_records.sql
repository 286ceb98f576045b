-- Written for SQLite and read by PostgreSQL with other type names: see Database.Translate.
-- Times are whole microseconds since 1970 in UTC, decimals and JSON are text.
-- An optional column that is unique or sparsely indexed is NULL when it is empty.

CREATE TABLE tenants (
    tenant      TEXT    NOT NULL PRIMARY KEY,
    name        TEXT    NOT NULL,
    mode        TEXT    NOT NULL,
    language    TEXT    NOT NULL,
    time_zone   TEXT    NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
    tenant        TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    email         TEXT    NOT NULL,
    email_key     TEXT    NOT NULL UNIQUE,
    role          TEXT    NOT NULL,
    password_hash TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    disabled_at   INTEGER,
    PRIMARY KEY (tenant, id)
) STRICT;

CREATE TABLE api_keys (
    tenant       TEXT    NOT NULL,
    id           TEXT    NOT NULL UNIQUE,
    name         TEXT    NOT NULL,
    role         TEXT    NOT NULL,
    user_id      TEXT    NOT NULL,
    secret_hash  BLOB,
    created_at   INTEGER NOT NULL,
    revoked_at   INTEGER,
    last_used_at INTEGER,
    PRIMARY KEY (tenant, id)
) STRICT;

CREATE TABLE idempotency (
    tenant      TEXT    NOT NULL,
    scope       TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    body_sha256 TEXT    NOT NULL,
    ref         TEXT    NOT NULL,
    status      INTEGER NOT NULL,
    response    BLOB,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant, scope, id)
) STRICT;
CREATE INDEX idempotency_age ON idempotency (created_at);

CREATE TABLE orders (
    tenant        TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    external_id   TEXT,
    number        TEXT    NOT NULL,
    business_key  TEXT,
    legal_entity  TEXT    NOT NULL,
    customer      TEXT    NOT NULL,
    state         TEXT    NOT NULL,
    reason        TEXT    NOT NULL,
    source_sha256 TEXT    NOT NULL,
    source_type   TEXT    NOT NULL,
    body          TEXT,
    remainder     TEXT,
    version       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, business_key)
) STRICT;
CREATE INDEX orders_list ON orders (tenant, created_at, id);
CREATE INDEX orders_state ON orders (tenant, state, created_at, id);
CREATE INDEX orders_number ON orders (tenant, number, created_at, id);
CREATE INDEX orders_external ON orders (tenant, external_id, created_at, id) WHERE external_id IS NOT NULL;

CREATE TABLE order_deliveries (
    tenant        TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    order_id      TEXT    NOT NULL,
    note_id       TEXT    NOT NULL,
    source_sha256 TEXT    NOT NULL,
    body          TEXT,
    invoice_id    TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, order_id, note_id),
    FOREIGN KEY (tenant, order_id) REFERENCES orders (tenant, id)
) STRICT;

CREATE TABLE invoices (
    tenant        TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    external_id   TEXT,
    order_id      TEXT,
    credit_of     TEXT,
    legal_entity  TEXT    NOT NULL,
    customer      TEXT    NOT NULL,
    customer_name TEXT    NOT NULL,
    state         TEXT    NOT NULL,
    hold          TEXT    NOT NULL,
    hold_detail   TEXT,
    number        TEXT    NOT NULL,
    number_given  INTEGER NOT NULL,
    business_key  TEXT,
    kind          TEXT    NOT NULL,
    issue_date    TEXT    NOT NULL,
    due_date      TEXT    NOT NULL,
    currency      TEXT    NOT NULL,
    total         TEXT    NOT NULL,
    payable       TEXT    NOT NULL,
    model         TEXT,
    sources       TEXT,
    source_sha256 TEXT    NOT NULL,
    source_type   TEXT    NOT NULL,
    override      TEXT,
    status        TEXT    NOT NULL,
    transport     TEXT    NOT NULL, -- of the status, for counting
    answer        TEXT    NOT NULL, -- of the status, for counting
    words         TEXT    NOT NULL, -- number, external id and customer name as searched
    version       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, business_key)
) STRICT;
CREATE INDEX invoices_list ON invoices (tenant, created_at, id);
CREATE INDEX invoices_state ON invoices (tenant, state, created_at, id);
CREATE INDEX invoices_number ON invoices (tenant, number, created_at, id);
CREATE INDEX invoices_external ON invoices (tenant, external_id, created_at, id) WHERE external_id IS NOT NULL;
CREATE INDEX invoices_order ON invoices (tenant, order_id, created_at, id) WHERE order_id IS NOT NULL;
CREATE INDEX invoices_credit ON invoices (tenant, credit_of, created_at, id) WHERE credit_of IS NOT NULL;

CREATE TABLE documents (
    tenant        TEXT    NOT NULL,
    id            TEXT    NOT NULL, -- hash, owner and role
    sha256        TEXT    NOT NULL,
    invoice_id    TEXT,
    inbound_id    TEXT,
    role          TEXT    NOT NULL,
    syntax        TEXT    NOT NULL,
    customization TEXT    NOT NULL,
    media_type    TEXT    NOT NULL,
    filename      TEXT    NOT NULL,
    size          INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX documents_hash ON documents (tenant, sha256, created_at);
CREATE INDEX documents_invoice ON documents (tenant, invoice_id) WHERE invoice_id IS NOT NULL;
CREATE INDEX documents_inbound ON documents (tenant, inbound_id) WHERE inbound_id IS NOT NULL;

CREATE TABLE verdicts (
    tenant     TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    invoice_id TEXT,
    inbound_id TEXT,
    sha256     TEXT    NOT NULL,
    valid      INTEGER NOT NULL,
    result     TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX verdicts_invoice ON verdicts (tenant, invoice_id) WHERE invoice_id IS NOT NULL;
CREATE INDEX verdicts_inbound ON verdicts (tenant, inbound_id) WHERE inbound_id IS NOT NULL;

CREATE TABLE deliveries (
    tenant          TEXT    NOT NULL,
    id              TEXT    NOT NULL,
    invoice_id      TEXT,
    inbound_id      TEXT,
    purpose         TEXT    NOT NULL,
    document_sha256 TEXT    NOT NULL,
    message_id      TEXT    NOT NULL,
    route           TEXT    NOT NULL,
    state           TEXT    NOT NULL,
    attempts        INTEGER NOT NULL,
    code            TEXT    NOT NULL,
    detail          TEXT    NOT NULL,
    receipt_sha256  TEXT    NOT NULL,
    next_at         INTEGER,
    version         INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, message_id)
) STRICT;
CREATE INDEX deliveries_invoice ON deliveries (tenant, invoice_id) WHERE invoice_id IS NOT NULL;
CREATE INDEX deliveries_inbound ON deliveries (tenant, inbound_id) WHERE inbound_id IS NOT NULL;

CREATE TABLE attempts (
    tenant      TEXT    NOT NULL,
    delivery_id TEXT    NOT NULL,
    n           INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    ended_at    INTEGER,
    outcome     TEXT    NOT NULL,
    code        TEXT    NOT NULL,
    detail      TEXT    NOT NULL,
    PRIMARY KEY (tenant, delivery_id, n),
    FOREIGN KEY (tenant, delivery_id) REFERENCES deliveries (tenant, id)
) STRICT;

CREATE TABLE events (
    tenant        TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    seq           INTEGER, -- NULL until sealed
    type          TEXT    NOT NULL,
    happened_at   INTEGER NOT NULL,
    recorded_at   INTEGER NOT NULL,
    actor         TEXT    NOT NULL,
    grade         INTEGER NOT NULL,
    order_id      TEXT,
    invoice_id    TEXT,
    inbound_id    TEXT,
    delivery_id   TEXT    NOT NULL,
    external_id   TEXT    NOT NULL,
    evidence      TEXT    NOT NULL,
    evidence_type TEXT    NOT NULL,
    data          TEXT,
    once          TEXT,    -- Event.Key
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, seq),
    UNIQUE (tenant, once)
) STRICT;
CREATE INDEX events_unsealed ON events (tenant, recorded_at, id) WHERE seq IS NULL;
CREATE INDEX events_order ON events (tenant, order_id, happened_at, id) WHERE order_id IS NOT NULL;
CREATE INDEX events_invoice ON events (tenant, invoice_id, happened_at, id) WHERE invoice_id IS NOT NULL;
CREATE INDEX events_inbound ON events (tenant, inbound_id, happened_at, id) WHERE inbound_id IS NOT NULL;

-- What can be erased without breaking a proof: fields about people and the
-- salts of their commitments.
CREATE TABLE event_personal (
    tenant   TEXT NOT NULL,
    event_id TEXT NOT NULL,
    fields   TEXT NOT NULL,
    salts    TEXT,
    PRIMARY KEY (tenant, event_id),
    FOREIGN KEY (tenant, event_id) REFERENCES events (tenant, id)
) STRICT;

CREATE TABLE records (
    tenant     TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    valid_from INTEGER NOT NULL,
    keys       TEXT    NOT NULL,
    body       TEXT,
    deleted    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT    NOT NULL,
    PRIMARY KEY (tenant, kind, id, version)
) STRICT;

CREATE TABLE record_keys ( -- of the newest versions
    tenant TEXT NOT NULL,
    kind   TEXT NOT NULL,
    name   TEXT NOT NULL,
    id     TEXT NOT NULL,
    PRIMARY KEY (tenant, kind, name, id)
) STRICT;
CREATE INDEX record_keys_record ON record_keys (tenant, kind, id);

CREATE TABLE number_series (
    tenant       TEXT    NOT NULL,
    legal_entity TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    period       TEXT    NOT NULL,
    pattern      TEXT    NOT NULL,
    next         INTEGER NOT NULL,
    last_date    TEXT    NOT NULL,
    PRIMARY KEY (tenant, legal_entity, kind, period)
) STRICT;

CREATE TABLE numbers_taken (
    tenant       TEXT    NOT NULL,
    legal_entity TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    period       TEXT    NOT NULL,
    n            INTEGER NOT NULL,
    number       TEXT    NOT NULL,
    invoice_id   TEXT    NOT NULL,
    taken_at     INTEGER NOT NULL,
    PRIMARY KEY (tenant, legal_entity, kind, period, n),
    UNIQUE (tenant, invoice_id),
    FOREIGN KEY (tenant, legal_entity, kind, period) REFERENCES number_series (tenant, legal_entity, kind, period)
) STRICT;

CREATE TABLE inbound (
    tenant          TEXT    NOT NULL,
    id              TEXT    NOT NULL,
    message_id      TEXT    NOT NULL,
    sender          TEXT    NOT NULL,
    receiver        TEXT    NOT NULL,
    document_type   TEXT    NOT NULL,
    sha256          TEXT    NOT NULL,
    media_type      TEXT    NOT NULL,
    channel         TEXT    NOT NULL,
    state           TEXT    NOT NULL,
    model           TEXT,
    number          TEXT    NOT NULL,
    seller_key      TEXT    NOT NULL,
    duplicate_of    TEXT    NOT NULL,
    answer          TEXT    NOT NULL,
    answer_detail   TEXT,
    reply_to        TEXT    NOT NULL,
    receipt         BLOB,
    acknowledged_at INTEGER,
    version         INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, sender, message_id)
) STRICT;
CREATE INDEX inbound_list ON inbound (tenant, created_at, id);
CREATE INDEX inbound_state ON inbound (tenant, state, created_at, id);
CREATE INDEX inbound_seller ON inbound (tenant, seller_key, number, created_at, id);

CREATE TABLE webhooks (
    tenant      TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    url         TEXT    NOT NULL,
    types       TEXT    NOT NULL,
    secrets     TEXT    NOT NULL,
    forward     INTEGER NOT NULL,
    disabled_at INTEGER,
    reason      TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;

CREATE TABLE webhook_deliveries (
    tenant     TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    webhook_id TEXT    NOT NULL,
    event_id   TEXT    NOT NULL,
    body       TEXT,
    state      TEXT    NOT NULL,
    attempts   INTEGER NOT NULL,
    code       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX webhook_deliveries_list ON webhook_deliveries (tenant, webhook_id, created_at, id);

CREATE TABLE portal_links (
    tenant          TEXT    NOT NULL,
    id              TEXT    NOT NULL,
    invoice_id      TEXT    NOT NULL,
    token_hash      BLOB    NOT NULL UNIQUE,
    email           TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    revoked_at      INTEGER,
    code_hash       BLOB,
    code_expires_at INTEGER NOT NULL,
    code_tries      INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX portal_links_invoice ON portal_links (tenant, invoice_id);
CREATE INDEX portal_links_code ON portal_links (code_expires_at) WHERE code_hash IS NOT NULL;

CREATE TABLE mail_tokens (
    tenant      TEXT    NOT NULL,
    token       TEXT    NOT NULL PRIMARY KEY,
    delivery_id TEXT    NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE suppressions (
    tenant      TEXT    NOT NULL,
    address_key TEXT    NOT NULL,
    address     TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    event_id    TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant, address_key)
) STRICT;

CREATE TABLE tasks (
    tenant      TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    ref         TEXT    NOT NULL,
    shared      TEXT    NOT NULL, -- Task.Group
    data        TEXT,
    due_at      INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    fence       INTEGER NOT NULL,
    lease_owner TEXT    NOT NULL,
    lease_until INTEGER NOT NULL,
    last_error  TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX tasks_due ON tasks (due_at, tenant, id);
CREATE INDEX tasks_ref ON tasks (tenant, ref);

-- The Merkle log of each tenant.
CREATE TABLE logs (
    tenant TEXT    NOT NULL PRIMARY KEY,
    size   INTEGER NOT NULL,
    root   BLOB
) STRICT;

CREATE TABLE log_leaves (
    tenant   TEXT    NOT NULL,
    seq      INTEGER NOT NULL,
    event_id TEXT    NOT NULL,
    leaf     BLOB    NOT NULL,
    PRIMARY KEY (tenant, seq)
) STRICT;

CREATE TABLE log_hashes (
    tenant TEXT    NOT NULL,
    n      INTEGER NOT NULL,
    hash   BLOB    NOT NULL,
    PRIMARY KEY (tenant, n)
) STRICT;
