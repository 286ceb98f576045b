// Package access answers who may do what: roles and permissions, API keys,
// passwords, tokens in links, one-time codes, sessions and CSRF tokens.
//
// It is pure: randomness, time and keys are injected, and what must be
// remembered is returned for the store to keep. No secret is kept in a form
// that can be used: keys and tokens as SHA-256 (they have 256 random bits),
// passwords as argon2id, codes and sessions under a key of the gateway.
// Comparisons take constant time.
package access

import "slices"

// Role is what a named user or an API key may do in its tenant.
type Role string

// Roles.
const (
	RoleAdmin    Role = "admin"    // everything
	RoleOperator Role = "operator" // sends invoices and keeps the records behind them
	RoleClerk    Role = "clerk"    // works on what came in, short of approving it
	RoleApprover Role = "approver" // decides on what came in
	RoleAuditor  Role = "auditor"  // reads everything, changes nothing
	RoleAPI      Role = "api"      // another program: submits, fetches, acknowledges, answers
)

// Action is something that needs a permission.
type Action string

// Actions.
const (
	ActionRead        Action = "read"        // orders, invoices, timelines, inbox, records, events
	ActionAudit       Action = "audit"       // the audit log, its proofs and exports
	ActionSubmit      Action = "submit"      // orders, deliveries, invoices, credits
	ActionCorrect     Action = "correct"     // correct, release, reject or cancel a held invoice
	ActionOverride    Action = "override"    // let an invoice leave against a finding, with a reason
	ActionResolve     Action = "resolve"     // say what became of a delivery; send again; lift a suppression
	ActionAcknowledge Action = "acknowledge" // take an inbound document over into the AP system
	ActionDispute     Action = "dispute"     // set an inbound invoice in process or in dispute
	ActionDecide      Action = "decide"      // approve or refuse an inbound invoice
	ActionRecords     Action = "records"     // legal entities, customers, items, number series
	ActionProfiles    Action = "profiles"    // customers' billing profiles
	ActionWebhooks    Action = "webhooks"    // webhooks, their test and replay
	ActionErase       Action = "erase"       // erase personal fields
	ActionAccess      Action = "access"      // users and API keys
)

// permissions is the whole table. An override is a named person's, so
// programs do not have it (see [Principal.Can]).
var permissions = map[Role][]Action{
	RoleAdmin: {
		ActionRead, ActionAudit, ActionSubmit, ActionCorrect, ActionOverride, ActionResolve, ActionAcknowledge,
		ActionDispute, ActionDecide, ActionRecords, ActionProfiles, ActionWebhooks, ActionErase, ActionAccess,
	},
	RoleOperator: {
		ActionRead, ActionAudit, ActionSubmit, ActionCorrect, ActionOverride, ActionResolve, ActionRecords,
		ActionProfiles, ActionWebhooks,
	},
	RoleClerk:    {ActionRead, ActionAcknowledge, ActionDispute},
	RoleApprover: {ActionRead, ActionAcknowledge, ActionDispute, ActionDecide},
	RoleAuditor:  {ActionRead, ActionAudit},
	RoleAPI: {
		ActionRead, ActionSubmit, ActionAcknowledge, ActionDispute, ActionDecide, ActionRecords, ActionWebhooks,
	},
}

// Roles lists all roles.
func Roles() []Role {
	return []Role{RoleAdmin, RoleOperator, RoleClerk, RoleApprover, RoleAuditor, RoleAPI}
}

// Actions lists all actions.
func Actions() []Action { return slices.Clone(permissions[RoleAdmin]) }

// ValidRole reports whether r is one of Roles.
func ValidRole(r Role) bool { return slices.Contains(Roles(), r) }

// Can reports whether the role has the permission. An unknown role has none.
func Can(r Role, a Action) bool { return slices.Contains(permissions[r], a) }

// Via tells how a principal proved who it is.
type Via string

// Ways to prove it.
const (
	ViaSession Via = "session" // signed in
	ViaAPIKey  Via = "api_key"
	ViaCommand Via = "command" // the command line on the gateway's machine
)

// Principal is who makes a request, inside one tenant.
type Principal struct {
	Tenant string
	UserID string // of the user, or of the API key's owner if it has one
	KeyID  string // of the API key; empty otherwise
	Name   string // of the person, or of the key
	Role   Role
	Via    Via
}

// IsPerson reports whether a named person acts, rather than a program.
func (p Principal) IsPerson() bool { return p.Via == ViaSession && p.UserID != "" && p.Name != "" }

// Can reports whether the principal may do a. Overriding a check and erasing
// take a named person, whatever the role.
func (p Principal) Can(a Action) bool {
	if p.Tenant == "" || !Can(p.Role, a) {
		return false
	}
	if a == ActionOverride || a == ActionErase {
		return p.IsPerson()
	}
	return true
}
