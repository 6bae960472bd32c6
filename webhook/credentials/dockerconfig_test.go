package credentials

import (
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestParseDockerConfigEntry(t *testing.T) {
	t.Parallel()
	encode := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for name, test := range map[string]struct {
		entry              string
		username, password string
	}{
		"user name and password":        {`{"username": "alice", "password": "pw"}`, "alice", "pw"},
		"auth":                          {`{"auth": "` + encode("alice:pw") + `"}`, "alice", "pw"},
		"auth has precedence":           {`{"username": "bob", "password": "x", "auth": "` + encode("alice:pw") + `"}`, "alice", "pw"},
		"empty auth has no precedence":  {`{"username": "bob", "password": "x", "auth": ""}`, "bob", "x"},
		"auth is null":                  {`{"username": "bob", "password": "x", "auth": null}`, "bob", "x"},
		"colon in the password":         {`{"auth": "` + encode("alice:p:w") + `"}`, "alice", "p:w"},
		"empty password":                {`{"auth": "` + encode("alice:") + `"}`, "alice", ""},
		"empty user name":               {`{"auth": "` + encode(":pw") + `"}`, "", "pw"},
		"single colon":                  {`{"auth": "` + encode(":") + `"}`, "", ""},
		"single colon has precedence":   {`{"username": "bob", "auth": "` + encode(":") + `"}`, "", ""},
		"line feed in the password":     {`{"auth": "` + encode("alice:pw\n") + `"}`, "alice", "pw\n"},
		"unpadded auth":                 {`{"auth": "` + strings.TrimRight(encode("alice:pw"), "=") + `"}`, "alice", "pw"},
		"line feed after padded auth":   {`{"auth": "` + encode("alice:passw") + `\n"}`, "alice", "passw"},
		"line feed after unpadded auth": {`{"auth": "` + encode("alice:pass") + `\r\n"}`, "alice", "pass"},
		"line feed within auth":         {`{"auth": "YWxp\nY2U6cHc="}`, "alice", "pw"},
		"field names in another case":   {`{"UserName": "alice", "PASSWORD": "pw"}`, "alice", "pw"},
		"auth in another case":          {`{"Auth": "` + encode("alice:pw") + `"}`, "alice", "pw"},
		"last of two spellings":         {`{"username": "bob", "Username": "alice", "password": "pw"}`, "alice", "pw"},
		"email":                         {`{"username": "alice", "password": "pw", "email": "alice@shop.example"}`, "alice", "pw"},
		"unknown fields":                {`{"username": "alice", "password": "pw", "more": {"x": [1]}}`, "alice", "pw"},
		"identity token":                {`{"identitytoken": "token"}`, "", ""},
		"registry token":                {`{"registrytoken": "token"}`, "", ""},
		"identity token beside auth":    {`{"auth": "` + encode("alice:pw") + `", "identitytoken": "token"}`, "alice", "pw"},
		"empty entry":                   {`{}`, "", ""},
		"null entry":                    {`null`, "", ""},
		"null fields":                   {`{"username": null, "password": null}`, "", ""},
		"user name alone":               {`{"username": "alice"}`, "alice", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := DockerConfig{"r.example": imagepull.Credential{
				Username: test.username, Password: test.password, Source: "here",
			}}
			got, err := ParseDockerConfig([]byte(`{"auths": {"r.example": `+test.entry+`}}`), "here")
			if err != nil || !maps.Equal(got, want) {
				t.Errorf("ParseDockerConfig() returns the wrong credential, error %v", err)
			}
			got, err = ParseDockercfg([]byte(`{"r.example": `+test.entry+`}`), "here")
			if err != nil || !maps.Equal(got, want) {
				t.Errorf("ParseDockercfg() returns the wrong credential, error %v", err)
			}
		})
	}
}

func TestParseDockerConfigReportsMistakes(t *testing.T) {
	t.Parallel()
	noColon := base64.StdEncoding.EncodeToString([]byte(password))
	for name, test := range map[string]struct {
		data string
		want error
	}{
		"not JSON":                          {password, errNotJSON},
		"empty":                             {``, errNotJSON},
		"truncated":                         {`{"auths": {"r.example": {"auth": "` + auth("alice"), errNotJSON},
		"data after the object":             {`{"auths": {}} ` + password, errNotJSON},
		"byte order mark":                   {"\xef\xbb\xbf{}", errNotJSON},
		"list":                              {`[]`, errWrongShape},
		"text":                              {`"` + password + `"`, errWrongShape},
		"auths is a list":                   {`{"auths": []}`, errWrongShape},
		"entry is text":                     {`{"auths": {"r.example": "` + password + `"}}`, errWrongShape},
		"user name is a number":             {`{"auths": {"r.example": {"username": 12345}}}`, errWrongShape},
		"email is a number":                 {`{"auths": {"r.example": {"email": 12345}}}`, errWrongShape},
		"header is a number":                {`{"auths": {}, "HttpHeaders": {"X-Meta": 12345}}`, errWrongShape},
		"auth is not base64":                {`{"auths": {"r.example": {"auth": "` + password + `!"}}}`, errAuthEncoding},
		"blank after auth":                  {`{"auths": {"r.example": {"auth": "` + auth("alice") + ` "}}}`, errAuthEncoding},
		"URL-safe alphabet":                 {`{"auths": {"r.example": {"auth": "Pz8_Oj8_"}}}`, errAuthEncoding},
		"auth without colon":                {`{"auths": {"r.example": {"auth": "` + noColon + `"}}}`, errAuthFormat},
		"auth is a line feed":               {`{"auths": {"r.example": {"auth": "\n"}}}`, errAuthFormat},
		"auth encoded twice":                {`{"auths": {"r.example": {"auth": "` + base64.StdEncoding.EncodeToString([]byte(auth("alice"))) + `"}}}`, errAuthFormat},
		"good entry beside a bad one":       {`{"auths": {"a.example": {"auth": "` + auth("alice") + `"}, "b.example": {"auth": "!"}}}`, errAuthEncoding},
		"bad auth beside user and password": {`{"auths": {"r.example": {"username": "alice", "password": "pw", "auth": "!"}}}`, errAuthEncoding},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseDockerConfig([]byte(test.data), "here")
			if !errors.Is(err, test.want) || got != nil {
				t.Errorf("ParseDockerConfig() = %d entries, error %v, want none and %v", len(got), err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), password) {
				t.Errorf("the error quotes the data")
			}
		})
	}
}

func TestParseDockercfgReportsMistakes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		data string
		want error
	}{
		"not JSON":           {`{`, errNotJSON},
		"config.json":        {dockerConfigJSON("r.example=alice"), nil},
		"list":               {`[]`, errWrongShape},
		"auth is not base64": {`{"r.example": {"auth": "!"}}`, errAuthEncoding},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := ParseDockercfg([]byte(test.data), "here"); !errors.Is(err, test.want) {
				t.Errorf("ParseDockercfg() error = %v, want %v", err, test.want)
			}
		})
	}
}

func TestParseDockerConfigEntries(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		data string
		want []string
	}{
		"several registries":           {dockerConfigJSON("c.example=c", "a.example=a", "b.example=b"), []string{"a", "b", "c"}},
		"last of two equal registries": {dockerConfigJSON("r.example=first", "r.example=second"), []string{"second"}},
		"auths in another case":        {strings.Replace(dockerConfigJSON("r.example=alice"), "auths", "AUTHS", 1), []string{"alice"}},
		"headers":                      {`{"HttpHeaders": {"X-Meta": "x"}, "auths": {"r.example": {"username": "alice"}}}`, []string{"alice"}},
		"credential helpers":           {`{"credsStore": "desktop", "credHelpers": {"r.example": "x"}, "auths": {"r.example": {}}}`, []string{""}},
		"no auths":                     {`{"credsStore": "desktop"}`, nil},
		"null auths":                   {`{"auths": null}`, nil},
		"null":                         {`null`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config, err := ParseDockerConfig([]byte(test.data), "here")
			if err != nil {
				t.Fatalf("ParseDockerConfig() error = %v, want none", err)
			}
			var got []string
			for _, registry := range slices.Sorted(maps.Keys(config)) {
				got = append(got, config[registry].Username)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("users (-want +got):\n%s", diff)
			}
		})
	}
}
