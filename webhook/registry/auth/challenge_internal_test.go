package auth

import (
	"net/http"
	"strings"
	"testing"
)

func TestParseChallenge(t *testing.T) {
	t.Parallel()
	full := challenge{scheme: schemeBearer, realm: "https://a/t", service: "s", scope: "x y"}
	tests := map[string]struct {
		values []string
		want   challenge
	}{
		"none":                             {nil, challenge{}},
		"empty":                            {[]string{""}, challenge{}},
		"unknown scheme":                   {[]string{`Negotiate token`}, challenge{}},
		"a longer scheme":                  {[]string{`Bearers realm="r"`}, challenge{}},
		"a scheme alone":                   {[]string{"Bearer"}, challenge{scheme: schemeBearer}},
		"all parameters":                   {[]string{`Bearer realm="https://a/t",service="s",scope="x y"`}, full},
		"in capitals":                      {[]string{`BEARER REALM="https://a/t",Service="s",SCOPE="x y"`}, full},
		"with spaces":                      {[]string{"Bearer  realm=\"https://a/t\" ,\tservice=s , scope=\"x y\""}, full},
		"with others between":              {[]string{`Bearer x=1,realm="https://a/t",y="2",service="s",scope="x y"`}, full},
		"with an error":                    {[]string{`Bearer realm="r",error="invalid_token"`}, challenge{scheme: schemeBearer, realm: "r", hasError: true}},
		"with an empty one":                {[]string{`Bearer error="",realm="https://a/t",service="s",scope="x y"`}, full},
		"twice the same":                   {[]string{`Bearer realm="b",realm="https://a/t",service="s",scope="x y"`}, full},
		"escaped":                          {[]string{`Bearer realm="https:\/\/a/t",service="\s",scope="x y"`}, full},
		"escaped quote and slash":          {[]string{`Bearer service="a\"\\b"`}, challenge{scheme: schemeBearer, service: `a"\b`}},
		"comma within quotes":              {[]string{`Bearer scope="repository:a:pull,push",service=s`}, challenge{scheme: schemeBearer, scope: "repository:a:pull,push", service: "s"}},
		"without a closing quote":          {[]string{`Bearer service=s,realm="https://a`}, challenge{scheme: schemeBearer, service: "s"}},
		"without a closing quote, escaped": {[]string{`Bearer service=s,realm="https://a\`}, challenge{scheme: schemeBearer, service: "s"}},
		"without an equals sign":           {[]string{`Bearer realm "https://a/t"`}, challenge{scheme: schemeBearer}},
		"without a comma":                  {[]string{`Bearer service=s realm="https://a/t"`}, challenge{scheme: schemeBearer, service: "s"}},
		"two schemes in one value":         {[]string{`Basic realm="b", Bearer realm="https://a/t"`}, challenge{scheme: schemeBasic, realm: "b"}},
		"basic, then bearer":               {[]string{`Basic realm="b"`, `Bearer realm="https://a/t",service=s,scope="x y"`}, full},
		"bearer, then another":             {[]string{`Bearer realm="https://a/t",service=s,scope="x y"`, `Bearer realm="b"`}, full},
		"basic, then another":              {[]string{`Basic realm="b"`, `Basic realm="c"`}, challenge{scheme: schemeBasic, realm: "b"}},
		"unknown, then basic":              {[]string{`Digest realm="d"`, `Basic realm="b"`}, challenge{scheme: schemeBasic, realm: "b"}},
		"a character outside ASCII":        {[]string{"Bearer r\u00e9alm=\"x\""}, challenge{scheme: schemeBearer}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := parseChallenge(http.Header{"Www-Authenticate": test.values}); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// FuzzParseChallenge parses arbitrary values: the result is a part of the value, and deterministic.
func FuzzParseChallenge(f *testing.F) {
	for _, seed := range []string{
		`Bearer realm="https://a/t",service="s",scope="repository:a:pull"`, `Basic realm="r"`, `bearer realm="\"`, "Bearer ,,=\"", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		header := http.Header{"Www-Authenticate": {value}}
		c := parseChallenge(header)
		if c != parseChallenge(header) {
			t.Errorf("%q has two results", value)
		}
		if c.scheme == "" && c != (challenge{}) {
			t.Errorf("%q has no scheme and still gives %+v", value, c)
		}
		unescaped := strings.ReplaceAll(value, `\`, "")
		for _, part := range []string{c.realm, c.service, c.scope} {
			if !strings.Contains(unescaped, strings.ReplaceAll(part, `\`, "")) {
				t.Errorf("%q gives %q, which is not in it", value, part)
			}
		}
	})
}

func BenchmarkParseChallenge(b *testing.B) {
	header := http.Header{"Www-Authenticate": {
		`Bearer realm="https://auth.example.com/token",service="registry.example.com",scope="repository:shop/web:pull"`,
	}}
	b.ReportAllocs()
	for b.Loop() {
		if parseChallenge(header).scheme != schemeBearer {
			b.Fatal("not a bearer challenge")
		}
	}
}
