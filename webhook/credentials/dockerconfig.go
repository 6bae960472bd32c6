package credentials

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// The errors of a docker config. Users read them, so they name the mistake and quote nothing of the data.
var (
	errNotJSON      = errors.New("it is not JSON")
	errWrongShape   = errors.New("it does not have the shape of a docker config")
	errAuthEncoding = errors.New("an auth field is not base64")
	errAuthFormat   = errors.New(`an auth field does not decode to "user:password"`)
)

// DockerConfig maps each registry of a docker config, as written there, to its credential.
type DockerConfig map[string]imagepull.Credential

// ParseDockerConfig decodes a docker config.json. The source becomes the source of all credentials. An error quotes nothing
// of the data.
func ParseDockerConfig(data []byte, source string) (DockerConfig, error) {
	// The headers are unused, but if they do not decode, the kubelet rejects the whole config.
	var config struct {
		Auths       map[string]dockerConfigEntry `json:"auths"`
		HTTPHeaders map[string]string            `json:"HttpHeaders"`
	}
	if err := json.Unmarshal(data, &config); err != nil {
		return nil, withoutData(err)
	}
	return dockerConfig(config.Auths, source), nil
}

// ParseDockercfg decodes the older .dockercfg, which consists of the entries alone. It is like [ParseDockerConfig]
// otherwise.
func ParseDockercfg(data []byte, source string) (DockerConfig, error) {
	var entries map[string]dockerConfigEntry
	if err := json.Unmarshal(data, &entries); err != nil {
		return nil, withoutData(err)
	}
	return dockerConfig(entries, source), nil
}

func dockerConfig(entries map[string]dockerConfigEntry, source string) DockerConfig {
	config := make(DockerConfig, len(entries))
	for registry, e := range entries {
		config[registry] = imagepull.Credential{Username: e.username, Password: e.password, Source: source}
	}
	return config
}

// dockerConfigEntry is an entry of a docker config. The kubelet ignores identity tokens and credential helpers, so an
// entry with nothing else is empty.
type dockerConfigEntry struct {
	username, password string
}

// UnmarshalJSON decodes an entry. The auth field takes precedence over user name and password. The case of field names
// does not matter, and null is an empty entry.
func (e *dockerConfigEntry) UnmarshalJSON(data []byte) error {
	var fields struct {
		Username string `json:"username"`
		Password string `json:"password"`
		Email    string `json:"email"`
		Auth     string `json:"auth"`
	}
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	e.username, e.password = fields.Username, fields.Password
	if fields.Auth == "" {
		return nil
	}
	var err error
	e.username, e.password, err = decodeAuth(fields.Auth)
	return err
}

// decodeAuth decodes the auth field. It accepts a field without padding. Go's decoder skips the line breaks that the base64
// command adds; other white space is an error.
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

// withoutData replaces an error of the JSON decoder, whose text may quote the data.
func withoutData(err error) error {
	if errors.Is(err, errAuthEncoding) || errors.Is(err, errAuthFormat) {
		return err
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return errNotJSON
	}
	return errWrongShape
}
