package imagepull

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// Credential is one identity that the kubelet would show to a registry. The zero value is the anonymous one.
//
// Printing, logging or marshalling a Credential shows its source and never what is secret in it.
type Credential struct {
	Username, Password string
	// Source names where the credential comes from, such as "secret/shop/regcred"; empty when it is anonymous because
	// nothing matched.
	Source string
}

// IsAnonymous reports whether the registry is shown nothing, as without a user name it isn't, password or not (containerd:
// internal/cri/server/images/image_pull.go, ParseAuth). An entry of a pull secret can be so too: it counts as matched, and
// yet is anonymous.
func (c Credential) IsAnonymous() bool { return c.Username == "" }

// String returns the source.
func (c Credential) String() string {
	if c.Source == "" {
		return "anonymous"
	}
	return c.Source
}

// GoString returns the source.
func (c Credential) GoString() string { return fmt.Sprintf("imagepull.Credential(%s)", c.String()) }

// LogValue returns the source.
func (c Credential) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON writes the source.
func (c Credential) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }
