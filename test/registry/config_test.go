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
		"a name is itself":                          {pattern: "shop/web", name: "shop/web", want: true},
		"a name is no prefix":                       {pattern: "shop/web", name: "shop/web/x"},
		"a star alone is everything":                {pattern: "*", name: "a/b/c", want: true},
		"a final star is everything below":          {pattern: "shop/*", name: "shop/a/b", want: true},
		"a final star is not the folder":            {pattern: "shop/*", name: "shop"},
		"a final star is not a longer name":         {pattern: "shop/*", name: "shopping/a"},
		"a star within is one element":              {pattern: "*/web", name: "shop/web", want: true},
		"a star within is not two":                  {pattern: "*/web", name: "a/shop/web"},
		"a star in front of a final star":           {pattern: "/v2/*/web/manifests/*", name: "/v2/shop/web/manifests/1", want: true},
		"a class":                                   {pattern: "team-[ab]", name: "team-b", want: true},
		"a malformed pattern is itself":             {pattern: "team-[", name: "team-[", want: true},
		"a malformed pattern is nothing but itself": {pattern: "team-[", name: "team-a"},
		"nothing": {pattern: "", name: "shop/web"},
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

func TestContradictoryConfig(t *testing.T) {
	t.Parallel()
	tokens := start(t, Config{Auth: AuthBearer})
	borrower := start(t, Config{Auth: AuthBearer, Token: TokenConfig{From: tokens}})
	tests := map[string]struct {
		cfg  Config
		want string
	}{
		"an account without a name":     {cfg: Config{Accounts: []Account{{Password: "x"}}}, want: "needs a username"},
		"an account without a password": {cfg: Config{Accounts: []Account{{Username: "x"}}}, want: "and a password"},
		"a denial that is none":         {cfg: Config{DenyStatus: 200}, want: "not 200"},
		"tokens without bearer":         {cfg: Config{Token: TokenConfig{From: tokens}}, want: "to one with AuthBearer"},
		"tokens from one without": {
			cfg:  Config{Auth: AuthBearer, Token: TokenConfig{From: start(t, Config{})}},
			want: "a token service of its own",
		},
		"tokens from one that borrows": {
			cfg:  Config{Auth: AuthBearer, Token: TokenConfig{From: borrower}},
			want: "a token service of its own",
		},
		"accounts where others decide": {
			cfg:  Config{Auth: AuthBearer, Token: TokenConfig{From: tokens}, Accounts: []Account{alice()}},
			want: "those of the server",
		},
		"public repositories where others decide": {
			cfg:  Config{Auth: AuthBearer, Token: TokenConfig{From: tokens}, Public: []string{"*"}},
			want: "those of the server",
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

func TestPrintingShowsNoPassword(t *testing.T) {
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
