package imagepull

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// Credential is one set of credentials that the kubelet would send to a registry. The zero value is anonymous.
//
// Printing, logging or marshalling a Credential writes its source and never its password.
type Credential struct {
	Username, Password string
	// Source names the origin of the credential, such as "secret/shop/regcred". It is empty for the anonymous credential
	// that is tried if nothing matches.
	Source string
	// Withheld marks a credential of Docker Hub that a node would send to another host. Pullgate does not send it.
	Withheld bool
}

// IsAnonymous reports whether the kubelet sends no credentials. Without a user name it sends none, with a password or not
// (containerd: internal/cri/server/images/image_pull.go, ParseAuth). An entry of a pull secret without a user name counts as
// a match, but is anonymous.
func (c Credential) IsAnonymous() bool { return c.Username == "" }

// String returns the source.
func (c Credential) String() string {
	if c.Source == "" {
		return "anonymous"
	}
	return c.Source
}

// Format writes the source for every verb. Without it, package fmt would print the fields for some verbs.
func (c Credential) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue returns the source.
func (c Credential) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON writes the source.
func (c Credential) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }
