package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"syscall"
)

// Cause returns the cause of a failed exchange in Pullgate's own words. It never quotes the error, whose text may hold bytes
// from a registry.
func Cause(err error) string { return causeOf(err).detail }

// cause is one kind of failure of an exchange.
type cause struct {
	matches func(error) bool
	detail  string
	isTLS   bool
	// revealsPort marks the causes that tell the states of a port apart (see PrivateError).
	revealsPort bool
}

func causeOf(err error) cause {
	for _, c := range causes {
		if c.matches(err) {
			return c
		}
	}
	return cause{detail: "the connection broke", revealsPort: true}
}

// causes lists the kinds of failures that have a detail of their own. The first match counts.
var causes = []cause{
	{isType[*PrivateError], "no usable connection to the registry, which is on a private network", false, false},
	{isType[x509.HostnameError], "the registry's certificate is for another name", true, false},
	{isExpired, "the registry's certificate is expired or not valid yet", true, false},
	{isType[x509.CertificateInvalidError], "the registry's certificate is invalid", true, false},
	{isType[x509.UnknownAuthorityError], "the registry's certificate is from an authority unknown to Pullgate", true, false},
	{isNotTLS, "the registry does not speak TLS as expected", true, true},
	{isNoSuchHost, "no such host", false, false},
	{isType[*net.DNSError], "the host name cannot be resolved now", false, false},
	{is(syscall.ECONNREFUSED), "connection refused", false, true},
	{isTimeout, "no response in time", false, true},
	{is(syscall.ENETUNREACH), "no route to the registry", false, true},
	{is(syscall.EHOSTUNREACH), "no route to the registry", false, true},
}

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func isType[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func isExpired(err error) bool {
	e, ok := errors.AsType[x509.CertificateInvalidError](err)
	return ok && e.Reason == x509.Expired
}

func isNotTLS(err error) bool {
	if isType[tls.RecordHeaderError](err) {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && (op.Op == "remote error" || op.Op == "local error") // crypto/tls names its alerts so
}

func isNoSuchHost(err error) bool {
	e, ok := errors.AsType[*net.DNSError](err)
	return ok && e.IsNotFound
}

func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}
