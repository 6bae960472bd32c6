package credentials

import "testing"

func TestSetEqual(t *testing.T) {
	t.Parallel()
	problem := []Problem{{Subject: `pull secret "regcred"`, Detail: "forbidden"}}
	for name, test := range map[string]struct {
		a, b Set
		want bool
	}{
		"zero":                     {Set{}, Set{}, true},
		"same keys":                {Set{Keyring: keyring("r.example=alice")}, Set{Keyring: keyring("r.example=alice")}, true},
		"keys in another order":    {Set{Keyring: keyring("a.example=a", "b.example=b")}, Set{Keyring: keyring("b.example=b", "a.example=a")}, true},
		"same key, another order":  {Set{Keyring: keyring("r.example=a", "r.example=b")}, Set{Keyring: keyring("r.example=b", "r.example=a")}, false},
		"no keys and unusable one": {Set{}, Set{Keyring: keyring("%zz=alice")}, true},
		"a key more":               {Set{}, Set{Keyring: keyring("r.example=alice")}, false},
		"another user":             {Set{Keyring: keyring("r.example=alice")}, Set{Keyring: keyring("r.example=bob")}, false},
		"another registry":         {Set{Keyring: keyring("r.example=alice")}, Set{Keyring: keyring("q.example=alice")}, false},
		"invalid":                  {Set{}, Set{Invalid: problem}, false},
		"missing":                  {Set{}, Set{Missing: []string{"regcred"}}, false},
		"unreadable":               {Set{}, Set{Unreadable: problem}, false},
		"ignored":                  {Set{}, Set{Ignored: problem}, false},
		"same problems":            {Set{Invalid: problem, Ignored: problem}, Set{Invalid: problem, Ignored: problem}, true},
		"remembered":               {Set{Missing: []string{"x"}}, Set{Missing: []string{"x"}, Remembered: true}, true},
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
