package registry

import (
	"fmt"
	"strings"
	"testing"
)

func TestMatchPattern(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		pattern, name string
		want          bool
	}{
		"a name matches itself":                            {pattern: "shop/web", name: "shop/web", want: true},
		"a name is not a prefix":                           {pattern: "shop/web", name: "shop/web/x"},
		"a star alone matches every name":                  {pattern: "*", name: "a/b/c", want: true},
		"a final star matches everything below":            {pattern: "shop/*", name: "shop/a/b", want: true},
		"a final star does not match the folder":           {pattern: "shop/*", name: "shop"},
		"a final star does not match a longer folder name": {pattern: "shop/*", name: "shopping/a"},
		"an inner star matches one element":                {pattern: "*/web", name: "shop/web", want: true},
		"an inner star does not match two elements":        {pattern: "*/web", name: "a/shop/web"},
		"an inner star and a final star":                   {pattern: "/v2/*/web/manifests/*", name: "/v2/shop/web/manifests/1", want: true},
		"a character class":                                {pattern: "team-[ab]", name: "team-b", want: true},
		"a malformed pattern matches itself":               {pattern: "team-[", name: "team-[", want: true},
		"a malformed pattern matches nothing else":         {pattern: "team-[", name: "team-a"},
		"an empty pattern":                                 {pattern: "", name: "shop/web"},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			if got := matchPattern(tt.pattern, tt.name); got != tt.want {
				t.Errorf("matchPattern(%q, %q) = %t, want %t", tt.pattern, tt.name, got, tt.want)
			}
		})
	}
}

func TestContradictoryConfigIsRejected(t *testing.T) {
	t.Parallel()
	tokens := start(t, Config{Auth: AuthBearer})
	dependent := start(t, Config{Auth: AuthBearer, Token: TokenConfig{From: tokens}})
	tests := map[string]struct {
		cfg  Config
		want string
	}{
		"an account without a name":                     {cfg: Config{Accounts: []Account{{Password: "x"}}}, want: "needs a username"},
		"an account without a password":                 {cfg: Config{Accounts: []Account{{Username: "x"}}}, want: "and a password"},
		"a deny status of success":                      {cfg: Config{DenyStatus: 200}, want: "not 200"},
		"tokens from another server without AuthBearer": {cfg: Config{Token: TokenConfig{From: tokens}}, want: "must use AuthBearer"},
		"tokens from a server without a token service": {
			cfg:  Config{Auth: AuthBearer, Token: TokenConfig{From: start(t, Config{})}},
			want: "its own token service",
		},
		"tokens from a server that uses another token service": {
			cfg:  Config{Auth: AuthBearer, Token: TokenConfig{From: dependent}},
			want: "its own token service",
		},
		"accounts beside another token service": {
			cfg:  Config{Auth: AuthBearer, Token: TokenConfig{From: tokens}, Accounts: []Account{alice()}},
			want: "must be empty",
		},
		"public repositories beside another token service": {
			cfg:  Config{Auth: AuthBearer, Token: TokenConfig{From: tokens}, Public: []string{"*"}},
			want: "must be empty",
		},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s, err := Start(tt.cfg)
			if err == nil {
				s.Close()
				t.Fatal("Start: got no error")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Start: got error %q, want %q in it", err, tt.want)
			}
		})
	}
}

func TestFormattingHidesPasswords(t *testing.T) {
	t.Parallel()
	cfg := Config{Accounts: []Account{alice()}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, cfg); strings.Contains(got, alicePassword) {
			t.Errorf("Sprintf(%q) shows the password", verb)
		}
		if got := fmt.Sprintf(verb, alice()); !strings.Contains(got, "alice") || strings.Contains(got, alicePassword) {
			t.Errorf("Sprintf(%q) of the account = %s", verb, got)
		}
	}
}
