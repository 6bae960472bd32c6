package imagepull

import (
	"encoding/json"
	"fmt"
	"io"
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

// Format writes the source, whatever the verb: package fmt would look into the fields for one that is not for text.
func (c Credential) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue returns the source.
func (c Credential) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON writes the source.
func (c Credential) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }
