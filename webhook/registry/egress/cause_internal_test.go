package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"syscall"
	"testing"
)

// secret is text that a peer could choose.
const secret = "chosen by the peer"

func TestCause(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err  error
		want string
	}{
		"a certificate for another name":   {x509.HostnameError{Certificate: &x509.Certificate{}, Host: secret}, "the registry's certificate is for another name"},
		"an expired certificate":           {x509.CertificateInvalidError{Reason: x509.Expired, Detail: secret}, "the registry's certificate is expired or not valid yet"},
		"another invalid certificate":      {x509.CertificateInvalidError{Reason: x509.NotAuthorizedToSign}, "the registry's certificate is invalid"},
		"an unknown authority":             {x509.UnknownAuthorityError{}, "the registry's certificate is from an authority unknown to Pullgate"},
		"another protocol":                 {tls.RecordHeaderError{Msg: secret}, "the registry does not speak TLS as expected"},
		"a TLS alert":                      {&net.OpError{Op: "remote error", Err: errors.New(secret)}, "the registry does not speak TLS as expected"},
		"an unknown host":                  {&net.DNSError{Err: secret, IsNotFound: true}, "no such host"},
		"a failing name service":           {&net.DNSError{Err: secret}, "the host name cannot be resolved now"},
		"a refused connection":             {&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, "connection refused"},
		"an expired context":               {context.DeadlineExceeded, "no response in time"},
		"an unreachable network":           {&net.OpError{Op: "dial", Err: syscall.ENETUNREACH}, "no route to the registry"},
		"an unreachable host":              {&net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}, "no route to the registry"},
		"an error of another type":         {errors.New(secret), "the connection broke"},
		"an error of the operating system": {syscall.ECONNRESET, "the connection broke"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, err := range []error{test.err, fmt.Errorf("wrapped: %w", test.err), &url.Error{Op: "Head", URL: secret, Err: test.err}} {
				if got := Cause(err); got != test.want {
					t.Errorf("Cause(%v) = %q, want %q", err, got, test.want)
				}
			}
		})
	}
}
