package auth

import (
	"net/http"
	"strings"
	"testing"
)

// FuzzParseToken checks that any response of a token service gives a token with a bounded lifetime, or an error without its text.
func FuzzParseToken(f *testing.F) {
	const secret = "hunter2hunter2"
	f.Add(`{"token":"` + secret + `","expires_in":300,"issued_at":"2026-11-01T00:00:00Z"}`)
	f.Add(`{"access_token":"` + secret + `","refresh_token":"` + secret + `","scope":"repository:a:pull"}`)
	f.Add(`{"access_token":7,"token":"` + secret + `"}`)
	f.Add(`{"token":"` + secret + `","expires_in":-9223372036854775808}`)
	f.Add(`{"token":"` + secret + `","expires_in":9223372036854775807}`)
	f.Add(secret)
	f.Fuzz(func(t *testing.T, body string) {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			got, err := parseToken(method, strings.NewReader(body))
			switch {
			case err != nil && strings.Contains(err.Error(), secret):
				t.Errorf("%s: the error shows a token: %v", method, err)
			case err == nil && got.value == "":
				t.Errorf("%s: no token and no error", method)
			case err == nil && (got.lifetime() < 0 || got.lifetime() > maxLifetime):
				t.Errorf("%s: the token lives %s", method, got.lifetime())
			}
		}
	})
}
