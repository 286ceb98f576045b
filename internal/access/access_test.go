package access

import (
	"slices"
	"strings"
	"testing"
)

// The whole table, written the other way round: an X for each permission.
func TestPermissions(t *testing.T) {
	const table = `
              admin operator clerk approver auditor api
read          X     X        X     X        X       X
audit         X     X        .     .        X       .
submit        X     X        .     .        .       X
correct       X     X        .     .        .       .
override      X     X        .     .        .       .
resolve       X     X        .     .        .       .
acknowledge   X     .        X     X        .       X
dispute       X     .        X     X        .       X
decide        X     .        .     X        .       X
records       X     X        .     .        .       X
profiles      X     X        .     .        .       .
webhooks      X     X        .     .        .       X
erase         X     .        .     .        .       .
access        X     .        .     .        .       .
`
	rows := strings.Split(strings.TrimSpace(table), "\n")
	var roles []Role
	for _, name := range strings.Fields(rows[0]) {
		roles = append(roles, Role(name))
	}
	if !slices.Equal(roles, Roles()) {
		t.Fatalf("roles %v, want %v", Roles(), roles)
	}
	if len(rows)-1 != len(Actions()) {
		t.Fatalf("%d actions, want %d", len(Actions()), len(rows)-1)
	}
	for _, row := range rows[1:] {
		cells := strings.Fields(row)
		for i, role := range roles {
			if got, want := Can(role, Action(cells[0])), cells[i+1] == "X"; got != want {
				t.Errorf("Can(%s, %s) = %t", role, cells[0], got)
			}
		}
	}
	for _, a := range Actions() {
		if Can("", a) || Can("root", a) || Can("Admin", a) {
			t.Errorf("an unknown role may %s", a)
		}
	}
	if Can(RoleAdmin, "") || Can(RoleAdmin, "fly") {
		t.Error("an unknown action is permitted")
	}
	if ValidRole("") || ValidRole("root") || !ValidRole(RoleAuditor) {
		t.Error("ValidRole is wrong")
	}
}

func TestPrincipal(t *testing.T) {
	person := Principal{Tenant: "t", UserID: "u", Name: "Ada", Role: RoleAdmin, Via: ViaSession}
	program := Principal{Tenant: "t", UserID: "u", KeyID: "k", Name: "erp", Role: RoleAdmin, Via: ViaAPIKey}
	nobody := Principal{Role: RoleAdmin, Via: ViaSession, UserID: "u", Name: "Ada"}
	for _, test := range []struct {
		name string
		p    Principal
		a    Action
		want bool
	}{
		{"a person overrides", person, ActionOverride, true},
		{"a person erases", person, ActionErase, true},
		{"a program does not override", program, ActionOverride, false},
		{"a program does not erase", program, ActionErase, false},
		{"a program reads", program, ActionRead, true},
		{"nothing without a tenant", nobody, ActionRead, false},
		{"nothing by default", Principal{}, ActionRead, false},
	} {
		if got := test.p.Can(test.a); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}
