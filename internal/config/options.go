package config

import "time"

// option is one row of the table: a key bound to a field of a Config.
type option struct {
	key       string
	value     value
	fallback  string // default, in the notation of the file; {data_dir} is replaced
	meaning   string // one or two sentences for the reference page
	sensitive bool   // may also be given as KEY_file
}

// group introduces the options whose keys start with its name.
type group struct{ name, title string }

var groups = []group{
	{"", "General"},
	{"http", "HTTP server"},
	{"log", "Log"},
	{"seal", "Document seal"},
	{"gateway", "Gateway identity"},
	{"mail", "Outgoing mail"},
	{"outbound", "Outbound connections"},
	{"jobs", "Background work"},
	{"intake", "Drop folder"},
	{"validation", "Validation"},
}

const kibibyte = 1 << 10

// options is the table of all options, bound to the fields of c.
func (c *Config) options() []option {
	return []option{
		{key: "data_dir", value: path(&c.DataDir), fallback: ".facteur", meaning: "Where Facteur keeps its data: database, documents, rule packs, keys. Relative paths start at the working directory."},
		{key: "packs_dir", value: path(&c.PacksDir), fallback: "{data_dir}/packs", meaning: "Where the official rule packs are kept (`facteur schemas sync`)."},
		{key: "database", value: dsn(&c.Database), sensitive: true, fallback: "{data_dir}/facteur.db", meaning: "An SQLite file, or `postgres://user:password@host/name` for PostgreSQL."},
		{key: "language", value: oneOf(&c.Language, "en", "fr"), fallback: "en", meaning: "Language for people whose own is not known."},
		{key: "time_zone", value: location(&c.TimeZone), fallback: "UTC", meaning: "Time zone that decides which day it is, by its IANA name."},
		{key: "test_mode", value: boolean(&c.TestMode), fallback: "false", meaning: "Treat every tenant as a test tenant: nothing reaches a real address."},

		{key: "http.listen", value: hostPort(&c.HTTP.Listen), fallback: "127.0.0.1:8480", meaning: "Address the server listens on."},
		{key: "http.public_url", value: webURL(&c.HTTP.PublicURL), meaning: "Address under which others reach the server; portal links and receipts are made with it. Empty: derived from `http.listen`."},
		{key: "http.tls_cert", value: path(&c.HTTP.TLSCert), meaning: "PEM file with the server's certificate chain. Empty: plain HTTP, for a proxy in front."},
		{key: "http.tls_key", value: path(&c.HTTP.TLSKey), meaning: "PEM file with the private key of `http.tls_cert`."},
		{key: "http.session_key", value: path(&c.HTTP.SessionKey), fallback: "{data_dir}/keys/session.key", meaning: "File with the key (32 bytes or more, in hexadecimal) behind sessions and one-time codes; made when it is missing. All instances share it."},
		{key: "http.max_body", value: size(&c.HTTP.MaxBody, kibibyte), fallback: "20MiB", meaning: "Largest request body."},
		{key: "http.trusted_proxies", value: prefixes(&c.HTTP.TrustedProxies), meaning: "Address ranges whose `X-Forwarded-For` is believed."},

		{key: "log.level", value: level(&c.Log.Level), fallback: "info", meaning: "Least severity that is logged."},
		{key: "log.format", value: oneOf(&c.Log.Format, "auto", "text", "json"), fallback: "auto", meaning: "`auto` writes text to a terminal and JSON elsewhere."},

		{key: "seal.pkcs12", value: path(&c.Seal.PKCS12), meaning: "PKCS#12 file with the key and certificate that seal outgoing documents."},
		{key: "seal.password", value: secret(&c.Seal.Password), sensitive: true, meaning: "Password of `seal.pkcs12`."},

		{key: "gateway.signing_key", value: path(&c.Gateway.SigningKey), fallback: "{data_dir}/keys/gateway.pem", meaning: "PEM file with the Ed25519 key (PKCS#8) that signs requests, receipts and the audit log; made when it is missing. All instances share it."},
		{key: "gateway.former_keys", value: list(&c.Gateway.FormerKeys), meaning: "Audit keys (`audit_key` of `GET /identity`) of signing keys that were replaced: logs that they signed go on under the new one."},

		{key: "mail.host", value: text(&c.Mail.Host), meaning: "SMTP server that takes outgoing mail. Empty: the mail channel is off."},
		{key: "mail.port", value: integer(&c.Mail.Port, 1, 65535), fallback: "587", meaning: "Its port."},
		{key: "mail.tls", value: oneOf(&c.Mail.TLS, "starttls", "implicit", "opportunistic", "none"), fallback: "starttls", meaning: "`starttls` and `implicit` insist on TLS; `opportunistic` uses it if offered."},
		{key: "mail.user", value: text(&c.Mail.User), meaning: "User name for the server. Empty: no authentication."},
		{key: "mail.password", value: secret(&c.Mail.Password), sensitive: true, meaning: "Password of `mail.user`."},
		{key: "mail.from", value: mailAddress(&c.Mail.From), meaning: "Sender that recipients see, as `name@example.com` or `Name <name@example.com>`."},
		{key: "mail.envelope_domain", value: text(&c.Mail.EnvelopeDomain), meaning: "Domain of the envelope sender made for each message, where bounces come back. Empty: the domain of `mail.from`."},
		{key: "mail.timeout", value: duration(&c.Mail.Timeout, time.Second), fallback: "30s", meaning: "Longest time one SMTP conversation may take."},

		{key: "outbound.allow", value: allowList(&c.Outbound.Allow), meaning: "What may be dialled although it is private or loopback: `10.1.2.0/24`, `10.1.2.3`, `10.1.2.3:25` or `relay.lan:25`."},
		{key: "outbound.ca_file", value: path(&c.Outbound.CAFile), meaning: "PEM file with the certificate authorities that servers are checked against. Empty: those of the system."},
		{key: "outbound.credentials_dir", value: path(&c.Outbound.CredentialsDir), fallback: "{data_dir}/credentials", meaning: "Folder with the secrets that customers' routes name, in a folder for each tenant: `TENANT/NAME.token` holds a bearer token, `TENANT/NAME.crt` and `TENANT/NAME.key` a client certificate (PEM)."},
		{key: "outbound.timeout", value: duration(&c.Outbound.Timeout, time.Second), fallback: "30s", meaning: "Longest time one outbound request may take."},

		{key: "jobs.delivery_workers", value: integer(&c.Jobs.DeliveryWorkers, 1, 10000), fallback: "32", meaning: "Deliveries attempted at the same time."},
		{key: "jobs.validation_workers", value: integer(&c.Jobs.ValidationWorkers, 0, 1000), fallback: "0", meaning: "Documents validated at the same time, outgoing and received ones apart. 0: one less than there are processors, so that submissions are answered meanwhile."},
		{key: "jobs.lease", value: duration(&c.Jobs.Lease, time.Second), fallback: "10s", meaning: "How long a delivery belongs to a worker that does not renew its lease; a killed worker's deliveries resume after this time."},
		{key: "jobs.sweep_interval", value: duration(&c.Jobs.SweepInterval, 100*time.Millisecond), fallback: "2s", meaning: "How often expired leases are looked for."},

		{key: "intake.drop_dir", value: path(&c.Intake.DropDir), meaning: "Folder with a folder for each tenant: `in/`, `accepted/` and `rejected/` for what other programs put there, `received/` (if it exists) for what came in. Empty: off."},
		{key: "intake.poll_interval", value: duration(&c.Intake.PollInterval, 100*time.Millisecond), fallback: "2s", meaning: "How often the drop folder is read."},

		{key: "validation.deadline", value: duration(&c.Validation.Deadline, 100*time.Millisecond), fallback: "60s", meaning: "Longest time all checks of one document may take; a check that exceeds it counts as failed."},
		{key: "validation.rules_dir", value: path(&c.Validation.RulesDir), meaning: "Folder with rules of your own (`rules.json`) that take the place of the official ones. Empty: the official ones."},
		{key: "validation.max_document", value: size(&c.Validation.MaxDocument, kibibyte), fallback: "20MiB", meaning: "Largest document that is read."},
	}
}
