package canary

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// canary is a credential that occurs nowhere else: a user name, a password, and the bearer token that is issued for them.
type canary struct{ user, password, token string }

// special makes encodings of a password differ from the password.
const special = "&=/+%"

func newCanary() canary { return canary{rand.Text(), special + rand.Text(), rand.Text()} }

// auth returns the credential as in a docker config, and as in basic authentication.
func (c canary) auth() string {
	return base64.StdEncoding.EncodeToString([]byte(c.user + ":" + c.password))
}

// placeholders returns the texts that stand for a canary in the files of a vector, with their values.
func (c canary) placeholders(name string) []string {
	return []string{
		"{" + name + ".user}", c.user, "{" + name + ".password}", c.password, "{" + name + ".token}", c.token,
		"{" + name + ".auth}", c.auth(), "{" + name + ".escaped}", url.QueryEscape(c.password),
		"{" + name + ".encoded}", base64.StdEncoding.EncodeToString([]byte(c.token)),
	}
}

// leaked reports whether data has a part of the canary in any encoding.
func (c canary) leaked(data []byte) bool {
	for _, text := range []string{c.user, strings.TrimPrefix(c.password, special), c.token} {
		if slices.ContainsFunc(encodings(text), func(e string) bool { return bytes.Contains(data, []byte(e)) }) {
			return true
		}
	}
	return false
}

// encodings returns the texts by which a random text is found, whatever surrounds it. Its letters and digits remain the same in URLs,
// forms, JSON and quoted strings. In base64 there are three, for the three positions at which a text may begin.
func encodings(text string) []string {
	found := map[string]bool{
		text: true, strings.ToLower(text): true, hex.EncodeToString([]byte(text)): true, strings.ToUpper(hex.EncodeToString([]byte(text))): true,
	}
	for shift := range 3 {
		encoded := base64.StdEncoding.EncodeToString([]byte("xxx"[:shift] + text))
		// The characters at both ends depend on the neighbours too.
		encoded = encoded[(shift*8+5)/6 : (shift+len(text))*8/6]
		found[encoded] = true
		found[strings.NewReplacer("+", "-", "/", "_").Replace(encoded)] = true
		found[url.QueryEscape(encoded)] = true
	}
	return slices.Collect(maps.Keys(found))
}

func TestCanaryIsFoundInEveryEncoding(t *testing.T) {
	t.Parallel()
	c := newCanary()
	basic := http.Request{Header: http.Header{}}
	basic.SetBasicAuth(c.user, c.password)
	for name, text := range map[string]string{
		"plain":                c.password,
		"user name":            "user " + c.user + " is unknown",
		"lower case":           strings.ToLower(c.user + ".evil.example"),
		"basic authentication": basic.Header.Get("Authorization"),
		"bearer token":         "Authorization: Bearer " + c.token,
		"URL":                  (&url.URL{Scheme: "https", User: url.UserPassword(c.user, c.password), Host: "evil.example"}).String(),
		"form":                 url.Values{"password": {c.password}}.Encode(),
		"base64 of the token":  base64.RawURLEncoding.EncodeToString([]byte(c.token)),
		"escaped base64":       url.QueryEscape(c.auth()),
		"docker config":        base64.StdEncoding.EncodeToString([]byte(`{"auths":{"r":{"password":"` + c.password + `"}}}`)),
		"hexadecimal":          hex.EncodeToString([]byte(c.password)),
	} {
		for _, prefix := range []string{"", "x", "xx"} {
			if !c.leaked([]byte(prefix + text)) {
				t.Errorf("%s: the canary is not found", name)
			}
		}
	}
	if c.leaked([]byte(newCanary().auth())) {
		t.Error("another canary counts as this one")
	}
}
