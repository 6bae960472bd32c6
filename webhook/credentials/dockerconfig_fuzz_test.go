package credentials

import (
	"errors"
	"slices"
	"testing"
)

// FuzzParseDockerConfig checks that any content gives a keyring, or one of the errors that quote nothing of it.
func FuzzParseDockerConfig(f *testing.F) {
	f.Add([]byte(`{"auths":{"https://index.docker.io/v1/":{"auth":"cmVhZGVyOmh1bnRlcjI="}}}`))
	f.Add([]byte(`{"auths":{"*.registry.example":{"username":"reader","password":"hunter2","auth":"!hunter2"}}}`))
	f.Add([]byte(`{"auths":{"registry.example":"hunter2"}}`))
	f.Add([]byte(`{"registry.example:5000/team":{"username":7,"password":"hunter2"}}`))
	f.Add([]byte(`{"auths":{"registry.example":{"auth":"cmVhZGVy"}},"HttpHeaders":{"a":1}}`))
	f.Add([]byte(`"hunter2`))
	withoutContent := []error{errNotJSON, errWrongShape, errAuthEncoding, errAuthFormat}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, parse := range []func([]byte, string) (DockerConfig, error){ParseDockerConfig, ParseDockercfg} {
			config, err := parse(data, "secret/regcred")
			if err != nil {
				if !slices.ContainsFunc(withoutContent, func(known error) bool { return errors.Is(err, known) && err.Error() == known.Error() }) {
					t.Errorf("unknown error %q", err)
				}
				continue
			}
			for _, credential := range NewKeyring(config).Lookup("registry.example:5000/team/app") {
				if credential.Source != "secret/regcred" {
					t.Errorf("a credential has the source %q", credential.Source)
				}
			}
		}
	})
}
