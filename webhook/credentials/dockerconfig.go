package credentials

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// What can be wrong with a docker config. The texts are shown to users: they tell the mistake and nothing of the data.
var (
	errNotJSON      = errors.New("it is not JSON")
	errWrongShape   = errors.New("it does not have the shape of a docker config")
	errAuthEncoding = errors.New("an auth field is not base64")
	errAuthFormat   = errors.New(`an auth field does not decode to "user:password"`)
)

// entry is one entry of a docker config, with its registry as written.
type entry struct {
	registry   string
	credential imagepull.Credential
}

// dockerConfig is a docker config.json as far as the kubelet decodes it. The headers are used nowhere, but when they do
// not decode then nothing does.
type dockerConfig struct {
	Auths       map[string]login  `json:"auths"`
	HTTPHeaders map[string]string `json:"HttpHeaders"`
}

// login is the value of an entry. There is no identity token and no credential helper in it: the kubelet ignores them,
// so an entry with nothing else is an empty one.
type login struct {
	username, password string
}

// UnmarshalJSON decodes an entry, in which auth wins over user name and password. It matches field names in any case,
// and an entry that is null is an empty one.
func (l *login) UnmarshalJSON(data []byte) error {
	var fields struct {
		Username string `json:"username"`
		Password string `json:"password"`
		Email    string `json:"email"`
		Auth     string `json:"auth"`
	}
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	l.username, l.password = fields.Username, fields.Password
	if fields.Auth == "" {
		return nil
	}
	var err error
	l.username, l.password, err = decodeAuth(fields.Auth)
	return err
}

// decodeAuth takes the auth field apart. It may lack its padding, and may hold line breaks as the base64 command adds
// them: Go's decoder skips those. Other white space is an error.
func decodeAuth(auth string) (username, password string, err error) {
	encoding := base64.RawStdEncoding
	if strings.HasSuffix(strings.TrimSpace(auth), "=") {
		encoding = base64.StdEncoding
	}
	decoded, err := encoding.DecodeString(auth)
	if err != nil {
		return "", "", errAuthEncoding
	}
	username, password, ok := strings.Cut(string(decoded), ":")
	if !ok {
		return "", "", errAuthFormat
	}
	return username, password, nil
}

// parseDockerConfig reads the entries of a docker config.json.
func parseDockerConfig(data []byte, source string) ([]entry, error) {
	var config dockerConfig
	if err := json.Unmarshal(data, &config); err != nil {
		return nil, inOwnWords(err)
	}
	return entries(config.Auths, source), nil
}

// parseDockercfg reads the entries of the older .dockercfg, which holds them without an object around.
func parseDockercfg(data []byte, source string) ([]entry, error) {
	var logins map[string]login
	if err := json.Unmarshal(data, &logins); err != nil {
		return nil, inOwnWords(err)
	}
	return entries(logins, source), nil
}

// inOwnWords replaces what the JSON decoder says, because it may quote the data.
func inOwnWords(err error) error {
	if errors.Is(err, errAuthEncoding) || errors.Is(err, errAuthFormat) {
		return err
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return errNotJSON
	}
	return errWrongShape
}

// entries lists the logins by their registry. The kubelet ranges over the map, so where two registries of one secret
// come down to the same key it tries them in an order that changes from sync to sync; here it is always this one.
func entries(logins map[string]login, source string) []entry {
	list := make([]entry, 0, len(logins))
	for _, registry := range slices.Sorted(maps.Keys(logins)) {
		l := logins[registry]
		list = append(list, entry{
			registry:   registry,
			credential: imagepull.Credential{Username: l.username, Password: l.password, Source: source},
		})
	}
	return list
}
