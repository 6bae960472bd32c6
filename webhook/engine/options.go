package engine

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/credentials/secrets"
)

// Options holds the parts of an engine that are not in its configuration. The zero value is usable: pods have no
// credentials, and no cluster is read.
type Options struct {
	// Credentials returns the credentials of a pod; without it pods have none.
	Credentials credentials.Source
	// Cluster is the state of the nodes; without it the nodes have the platforms that the configuration declares.
	Cluster Cluster
	// Environ is the environment for the proxy variables and for credential provider plugins, in the form of os.Environ;
	// the environment of the process when nil.
	Environ []string
	// UserAgent is sent to registries behind the User-Agent of the nodes' runtime; "pullgate" when empty.
	UserAgent string
	// RootCAs verify registries; the system's when nil.
	RootCAs *x509.CertPool
	// APIServer is the host or the URL of the cluster's API server, to which no image may direct a request; that in Environ when
	// empty.
	APIServer string
	// HidePrivateCauses sends to Log why a host on a private network gives no response. The verdict then does not have the cause, so
	// that authors of pods cannot scan the network.
	HidePrivateCauses bool
	// DialContext replaces the dialler, which checks every address against the egress rules.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Instrument wraps the transport of every request; it may be nil.
	Instrument func(http.RoundTripper) http.RoundTripper
	// ObserveCache is called for every cache lookup; it may be nil.
	ObserveCache func(hit bool)
	// Clock measures the age of cache entries and tokens, and the time since a failure; the real clock when nil.
	Clock clock.Clock
	// Log receives warnings about files that cannot be read again, and the causes of HidePrivateCauses; they are dropped when nil.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Credentials == nil {
		o.Credentials = secrets.Files(nil)
	}
	if o.Environ == nil {
		o.Environ = os.Environ()
	}
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// getenv returns a function that returns the value of a variable. The last value of a variable counts, as in exec.Cmd.
func getenv(environ []string) func(name string) string {
	return func(name string) string {
		for _, variable := range slices.Backward(environ) {
			if value, ok := strings.CutPrefix(variable, name+"="); ok {
				return value
			}
		}
		return ""
	}
}
