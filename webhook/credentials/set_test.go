package credentials

import "testing"

func TestSetEqual(t *testing.T) {
	t.Parallel()
	problem := []Problem{{Subject: `pull secret "regcred"`, Detail: "forbidden"}}
	for name, test := range map[string]struct {
		a, b Set
		want bool
	}{
		"zero":                       {Set{}, Set{}, true},
		"same keys":                  {Set{Keyring: podKeyring("r.example=alice")}, Set{Keyring: podKeyring("r.example=alice")}, true},
		"keys in another order":      {Set{Keyring: podKeyring("a.example=a", "b.example=b")}, Set{Keyring: podKeyring("b.example=b", "a.example=a")}, true},
		"same key in another order":  {Set{Keyring: podKeyring("r.example=a", "r.example=b")}, Set{Keyring: podKeyring("r.example=b", "r.example=a")}, false},
		"no key and an unusable key": {Set{}, Set{Keyring: podKeyring("%zz=alice")}, true},
		"one more key":               {Set{}, Set{Keyring: podKeyring("r.example=alice")}, false},
		"another user":               {Set{Keyring: podKeyring("r.example=alice")}, Set{Keyring: podKeyring("r.example=bob")}, false},
		"another registry":           {Set{Keyring: podKeyring("r.example=alice")}, Set{Keyring: podKeyring("q.example=alice")}, false},
		"invalid secret":             {Set{}, Set{Invalid: problem}, false},
		"missing secret":             {Set{}, Set{Missing: []string{"regcred"}}, false},
		"unreadable secret":          {Set{}, Set{Unreadable: problem}, false},
		"ignored secret":             {Set{}, Set{Ignored: problem}, false},
		"same problems":              {Set{Invalid: problem, Ignored: problem}, Set{Invalid: problem, Ignored: problem}, true},
		"from a cache":               {Set{Missing: []string{"x"}}, Set{Missing: []string{"x"}, FromCache: true}, true},
		"config.json of the node":    {Set{}, Set{node: nodeSet{dockerConfig: podKeyring("r.example=alice")}}, false},
		"problem of the node":        {Set{}, Set{node: nodeSet{problems: problem}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := test.a.Equal(test.b); got != test.want {
				t.Errorf("a.Equal(b) = %t, want %t", got, test.want)
			}
			if got := test.b.Equal(test.a); got != test.want {
				t.Errorf("b.Equal(a) = %t, want %t", got, test.want)
			}
		})
	}
}

func TestProblemString(t *testing.T) {
	t.Parallel()
	got := Problem{Subject: `pull secret "regcred"`, Detail: "it is not JSON"}.String()
	if want := `pull secret "regcred": it is not JSON`; got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
}
