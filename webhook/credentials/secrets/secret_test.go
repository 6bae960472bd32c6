package secrets

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func TestDecodeSecret(t *testing.T) {
	t.Parallel()
	const (
		jsonKey = corev1.DockerConfigJsonKey
		cfgKey  = corev1.DockerConfigKey
	)
	legacy := `{"r.example": {"auth": "` + auth("alice") + `"}}`
	for name, test := range map[string]struct {
		kind             corev1.SecretType
		key, data        string
		entries          int
		invalid, ignored string
	}{
		"dockerconfigjson":              {corev1.SecretTypeDockerConfigJson, jsonKey, dockerConfigJSON("r.example=alice"), 1, "", ""},
		"dockercfg":                     {corev1.SecretTypeDockercfg, cfgKey, legacy, 1, "", ""},
		"dockerconfigjson, other key":   {corev1.SecretTypeDockerConfigJson, cfgKey, legacy, 0, "", "it contains no docker config"},
		"dockercfg, other key":          {corev1.SecretTypeDockercfg, jsonKey, dockerConfigJSON("r.example=alice"), 0, "", "it contains no docker config"},
		"dockerconfigjson, plain key":   {corev1.SecretTypeDockerConfigJson, "config.json", dockerConfigJSON("r.example=alice"), 0, "", "it contains no docker config"},
		"dockerconfigjson, empty":       {corev1.SecretTypeDockerConfigJson, jsonKey, "", 0, "", "it contains no docker config"},
		"dockercfg, empty":              {corev1.SecretTypeDockercfg, cfgKey, "", 0, "", "it contains no docker config"},
		"dockerconfigjson, no auths":    {corev1.SecretTypeDockerConfigJson, jsonKey, `{}`, 0, "", "its docker config lists no registry"},
		"dockerconfigjson, empty auths": {corev1.SecretTypeDockerConfigJson, jsonKey, `{"auths": {}}`, 0, "", "its docker config lists no registry"},
		"dockerconfigjson as dockercfg": {corev1.SecretTypeDockerConfigJson, jsonKey, legacy, 0, "", "its docker config lists no registry"},
		"dockercfg, no entry":           {corev1.SecretTypeDockercfg, cfgKey, `{}`, 0, "", "its docker config lists no registry"},
		"Opaque":                        {corev1.SecretTypeOpaque, jsonKey, dockerConfigJSON("r.example=alice"), 0, "", "its type is Opaque, not kubernetes.io/dockerconfigjson"},
		"no type":                       {"", jsonKey, dockerConfigJSON("r.example=alice"), 0, "", "its type is Opaque, not kubernetes.io/dockerconfigjson"},
		"basic auth":                    {corev1.SecretTypeBasicAuth, jsonKey, dockerConfigJSON("r.example=alice"), 0, "", "its type is not kubernetes.io/dockerconfigjson"},
		"broken, but Opaque":            {corev1.SecretTypeOpaque, jsonKey, `{`, 0, "", "its type is Opaque, not kubernetes.io/dockerconfigjson"},
		"dockerconfigjson, not JSON":    {corev1.SecretTypeDockerConfigJson, jsonKey, password, 0, "it is not JSON", ""},
		"dockercfg, not JSON":           {corev1.SecretTypeDockercfg, cfgKey, password, 0, "it is not JSON", ""},
		"dockerconfigjson, bad base64":  {corev1.SecretTypeDockerConfigJson, jsonKey, `{"auths": {"r.example": {"auth": "!"}}}`, 0, "an auth field is not base64", ""},
		"dockercfg, bad base64":         {corev1.SecretTypeDockercfg, cfgKey, `{"r.example": {"auth": "!"}}`, 0, "an auth field is not base64", ""},
		"dockerconfigjson, no colon":    {corev1.SecretTypeDockerConfigJson, jsonKey, `{"auths": {"r.example": {"auth": "YWxpY2U="}}}`, 0, `an auth field does not decode to "user:password"`, ""},
		"dockerconfigjson, wrong shape": {corev1.SecretTypeDockerConfigJson, jsonKey, `{"auths": {"r.example": "x"}}`, 0, "it does not have the shape of a docker config", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := decodeSecret(&corev1.Secret{Type: test.kind, Data: map[string][]byte{test.key: []byte(test.data)}}, "secret/shop/regcred")
			if diff := cmp.Diff(test.invalid, got.invalid); diff != "" {
				t.Errorf("invalid (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.ignored, got.ignored); diff != "" {
				t.Errorf("ignored (-want +got):\n%s", diff)
			}
			found := got.keyring.Lookup("r.example/app")
			if len(found) != test.entries {
				t.Fatalf("%d credentials, want %d", len(found), test.entries)
			}
			for _, c := range found {
				if c.Source != "secret/shop/regcred" || c.Password != password {
					t.Errorf("the credential from %q is not the secret's", c.Source)
				}
			}
		})
	}
}

func TestDecodeSecretUsesTheKeyOfItsType(t *testing.T) {
	t.Parallel()
	got := decodeSecret(&corev1.Secret{
		Type: corev1.SecretTypeDockercfg,
		Data: map[string][]byte{
			corev1.DockerConfigJsonKey: []byte(dockerConfigJSON("r.example=alice")),
			corev1.DockerConfigKey:     []byte(`{"q.example": {"username": "bob"}}`),
		},
	}, "secret/shop/regcred")
	if found := got.keyring.Lookup("q.example/app"); len(found) != 1 || found[0].Username != "bob" {
		t.Errorf("%d credentials for q.example, want the one of bob", len(found))
	}
	if found := got.keyring.Lookup("r.example/app"); len(found) != 0 {
		t.Errorf("%d credentials for r.example, want none", len(found))
	}
}
