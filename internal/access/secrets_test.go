package access

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var t0 = time.Date(2026, 11, 22, 8, 30, 0, 0, time.UTC)

// other changes one character of s into another of the same kind.
func other(s string, at int) string {
	c := byte('a')
	if s[at] == c {
		c = 'b'
	}
	return s[:at] + string(c) + s[at+1:]
}

func TestAPIKey(t *testing.T) {
	key, err := NewAPIKey(ModeLive, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text := key.Reveal()
	if !regexp.MustCompile(`^fk_live_[a-z2-7]{16}_[a-z2-7]{52}$`).MatchString(text) {
		t.Fatalf("the key looks like %s", text)
	}
	parsed, err := ParseAPIKey(text)
	if err != nil || parsed.ID != key.ID || parsed.Mode != ModeLive || !parsed.Matches(key.Hash()) {
		t.Fatalf("got %v, %v", parsed, err)
	}
	for _, shown := range []string{fmt.Sprint(key), fmt.Sprintf("%+v %#v %s", key, key, &key)} {
		if strings.Contains(shown, text[30:]) {
			t.Errorf("the secret shows in %s", shown)
		}
	}
	if (APIKey{}).Matches(nil) || (APIKey{}).Matches(APIKey{}.Hash()) || key.Matches(nil) {
		t.Error("a key matches nothing")
	}
	if _, err := NewAPIKey("prod", rand.Reader); err == nil {
		t.Error("a key of an unknown mode was made")
	}
	if _, err := NewAPIKey(ModeTest, strings.NewReader("short")); err == nil {
		t.Error("a key was made without enough randomness")
	}
}

// Any other key of the right form is parsed and does not match; anything else
// is refused.
func TestAPIKeyForgery(t *testing.T) {
	key, err := NewAPIKey(ModeTest, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text, hash := key.Reveal(), key.Hash()
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		forged := text[:at] + string(rapid.Byte().Draw(t, "c")) + text[at+1:]
		parsed, err := ParseAPIKey(forged)
		if forged != text && err == nil && parsed.Matches(hash) {
			t.Fatalf("%s passes for %s", forged, text)
		}
		if err != nil && !errors.Is(err, ErrKeyForm) {
			t.Fatal(err)
		}
	})
	for _, bad := range []string{"", "fk", strings.ToUpper(text), text + "a", text[:len(text)-1], " " + text, text + "\n", strings.Replace(text, "test", "prod", 1), strings.Replace(text, "fk", "sk", 1)} {
		if _, err := ParseAPIKey(bad); !errors.Is(err, ErrKeyForm) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestTokens(t *testing.T) {
	token, hash, err := NewToken(PurposePortal, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^fp_[a-z2-7]{52}$`).MatchString(token) || len(hash) != 32 {
		t.Fatalf("got %s, %x", token, hash)
	}
	found, err := HashToken(PurposePortal, token)
	if err != nil || !bytes.Equal(found, hash) {
		t.Errorf("got %x, %v", found, err)
	}
	if changed, err := HashToken(PurposePortal, other(token, 10)); err != nil || bytes.Equal(changed, hash) {
		t.Error("another token has the same hash")
	}
	for _, bad := range []string{"", "fp_", token + "a", strings.ToUpper(token), token[3:]} {
		if _, err := HashToken(PurposePortal, bad); !errors.Is(err, ErrTokenForm) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := HashToken(PurposeLogin, token); !errors.Is(err, ErrTokenForm) {
		t.Error("a portal token passes for a sign-in link")
	}
}

func TestPassword(t *testing.T) {
	const password = "corréct horse"
	hash, err := HashPassword(password, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") || strings.Contains(hash, password) {
		t.Errorf("got %s", hash)
	}
	again, err := HashPassword(password, rand.Reader)
	if err != nil || again == hash {
		t.Error("two hashes are the same")
	}
	decomposed := strings.Replace(password, "é", "e\u0301", 1)
	for _, test := range []struct {
		name, hash, password string
		want                 bool
	}{
		{"the password", hash, password, true},
		{"another composition", hash, decomposed, true},
		{"another password", hash, password + "x", false},
		{"no password", hash, "", false},
		{"no hash", "", password, false},
		{"another algorithm", strings.Replace(hash, "argon2id", "argon2i", 1), password, false},
		{"another version", strings.Replace(hash, "v=19", "v=16", 1), password, false},
		{"a hash that costs too much", strings.Replace(hash, "m=19456", "m=4000000", 1), password, false},
		{"a hash with a tail", strings.Replace(hash, "p=1$", "p=1,x=2$", 1), password, false},
		{"a cut hash", hash[:len(hash)-4], password, false},
		{"a huge password", hash, strings.Repeat("x", maxPassword+1), false},
	} {
		if ok, rehash := CheckPassword(test.hash, test.password); ok != test.want || rehash {
			t.Errorf("%s: %t, %t", test.name, ok, rehash)
		}
	}
	for _, bad := range []string{"", "short", strings.Repeat("é", MinPassword-1), strings.Repeat("x", maxPassword+1), "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"} {
		if _, err := HashPassword(bad, rand.Reader); !errors.Is(err, ErrPasswordForm) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestCheaperHashIsReplaced(t *testing.T) {
	cheap := argonParams{memory: 64, time: 1, threads: 1}
	salt := bytes.Repeat([]byte{1}, argonSalt)
	encode := base64.RawStdEncoding.EncodeToString
	hash := fmt.Sprintf("$argon2id$v=19$%s$%s$%s", cheap, encode(salt), encode(argonSumOf("correct horse", salt, cheap)))
	if ok, rehash := CheckPassword(hash, "correct horse"); !ok || !rehash {
		t.Errorf("got %t, %t", ok, rehash)
	}
}

// testAuthority has a clock that the test moves.
func testAuthority(tb testing.TB, seed byte, now *time.Time) *Authority {
	tb.Helper()
	a, err := NewAuthority(bytes.Repeat([]byte{seed}, MinKey), func() time.Time { return *now }, rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

func TestAuthorityKey(t *testing.T) {
	if _, err := NewAuthority(make([]byte, MinKey-1), time.Now, rand.Reader); err == nil {
		t.Error("a short key is taken")
	}
}

func TestCode(t *testing.T) {
	now := t0
	a := testAuthority(t, 1, &now)
	text, code, err := a.NewCode("lnk_1")
	if err != nil || !regexp.MustCompile(`^\d{6}$`).MatchString(text) {
		t.Fatalf("got %q, %v", text, err)
	}
	wrong := "000000"
	if text == wrong {
		wrong = "000001"
	}

	if next, err := a.CheckCode(code, "lnk_2", text); !errors.Is(err, ErrCodeWrong) || next.Tries != 1 {
		t.Errorf("for another link: %+v, %v", next, err)
	}
	if _, err := testAuthority(t, 2, &now).CheckCode(code, "lnk_1", text); !errors.Is(err, ErrCodeWrong) {
		t.Errorf("of another gateway: %v", err)
	}
	if used, err := a.CheckCode(code, "lnk_1", text); err != nil || len(used.Hash) != 0 {
		t.Errorf("the right code: %+v, %v", used, err)
	} else if _, err := a.CheckCode(used, "lnk_1", text); !errors.Is(err, ErrCodeExpired) {
		t.Errorf("a second time: %v", err)
	}
	if _, err := a.CheckCode(Code{}, "lnk_1", text); !errors.Is(err, ErrCodeExpired) {
		t.Errorf("without a code: %v", err)
	}

	tried := code
	for i := range CodeTries {
		if tried, err = a.CheckCode(tried, "lnk_1", wrong); !errors.Is(err, ErrCodeWrong) {
			t.Fatalf("try %d: %v", i, err)
		}
	}
	if _, err := a.CheckCode(tried, "lnk_1", text); !errors.Is(err, ErrCodeTries) {
		t.Errorf("the right code after too many tries: %v", err)
	}

	now = t0.Add(CodeLifetime - time.Second)
	if _, err := a.CheckCode(code, "lnk_1", text); err != nil {
		t.Errorf("just in time: %v", err)
	}
	now = t0.Add(CodeLifetime)
	if _, err := a.CheckCode(code, "lnk_1", text); !errors.Is(err, ErrCodeExpired) {
		t.Errorf("too late: %v", err)
	}
}

func TestUniform(t *testing.T) {
	// Numbers at or above the largest multiple are drawn again.
	n, err := uniform(bytes.NewReader([]byte{0xff, 0xff, 0xff, 0xff, 0, 0x0f, 0x42, 0x41}), codeSpace)
	if err != nil || n != 1 {
		t.Errorf("got %d, %v", n, err)
	}
	if _, err := uniform(strings.NewReader("x"), codeSpace); err == nil {
		t.Error("a number was drawn from nothing")
	}
}

func TestSession(t *testing.T) {
	now := t0
	a := testAuthority(t, 1, &now)
	cookie, made, err := a.NewSession(SessionUser, "tnt", "usr_1")
	if err != nil {
		t.Fatal(err)
	}
	read, err := a.OpenSession(cookie)
	if err != nil || read != made || read.Tenant != "tnt" || read.Subject != "usr_1" || read.Kind != SessionUser {
		t.Fatalf("got %+v, %v, want %+v", read, err, made)
	}
	if _, err := testAuthority(t, 2, &now).OpenSession(cookie); !errors.Is(err, ErrSessionInvalid) {
		t.Errorf("of another gateway: %v", err)
	}
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(cookie)-1).Draw(t, "at")
		forged := cookie[:at] + string(rapid.Byte().Draw(t, "c")) + cookie[at+1:]
		if _, err := a.OpenSession(forged); forged != cookie && !errors.Is(err, ErrSessionInvalid) {
			t.Fatalf("%s passes: %v", forged, err)
		}
	})
	for _, bad := range []string{"", ".", "a.b", cookie[:strings.IndexByte(cookie, '.')]} {
		if _, err := a.OpenSession(bad); !errors.Is(err, ErrSessionInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	now = t0.Add(SessionLifetime)
	if _, err := a.OpenSession(cookie); !errors.Is(err, ErrSessionExpired) {
		t.Errorf("too late: %v", err)
	}
	now = t0
	if _, portal, err := a.NewSession(SessionCode, "tnt", "lnk_1"); err != nil || portal.ExpiresAt != t0.Add(PortalSessionLifetime) {
		t.Errorf("portal: %+v, %v", portal, err)
	}
}

func TestCSRF(t *testing.T) {
	now := t0
	a := testAuthority(t, 1, &now)
	token := a.CSRFToken("session-1")
	if !a.CheckCSRF("session-1", token) {
		t.Error("the token is refused")
	}
	for name, bad := range map[string]bool{
		"another session": a.CheckCSRF("session-2", token),
		"no token":        a.CheckCSRF("session-1", ""),
		"no session":      a.CheckCSRF("", a.CSRFToken("")),
		"another gateway": testAuthority(t, 2, &now).CheckCSRF("session-1", token),
		"changed":         a.CheckCSRF("session-1", other(token, 5)),
	} {
		if bad {
			t.Errorf("%s passes", name)
		}
	}
}

// Parts cannot be moved from one to the next.
func TestMacParts(t *testing.T) {
	key := []byte("key")
	if bytes.Equal(mac(key, "ab", "c"), mac(key, "a", "bc")) || bytes.Equal(mac(key, "a"), mac(key, "a", "")) {
		t.Error("two lists of parts have one MAC")
	}
}

func FuzzParse(f *testing.F) {
	now := t0
	a := testAuthority(f, 1, &now)
	key, err := NewAPIKey(ModeLive, rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	cookie, _, err := a.NewSession(SessionUser, "t", "u")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(key.Reveal())
	f.Add(cookie)
	f.Add("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, text string) {
		if k, err := ParseAPIKey(text); err == nil && (k.Reveal() != text || !k.Matches(k.Hash())) {
			t.Errorf("%q is read as %q", text, k.Reveal())
		}
		if s, err := a.OpenSession(text); err == nil && s.Subject == "" {
			t.Errorf("%q opens a session of nobody", text)
		}
		if p, salt, sum, err := parseHash(text); err == nil && (p.memory > maxMemory || len(salt) > 64 || len(sum) != argonSum) {
			t.Errorf("%q passes the limits", text)
		}
	})
}
