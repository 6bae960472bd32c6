package registry_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/registry"
)

func TestNetworkFailures(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		set  func(*world)
		ref  string
		want string
	}{
		"no such host": {
			ref:  "nowhere.example.com/shop/web:1",
			want: "RegistryUnavailable: no such host; transient",
		},
		"name service fails": {
			set:  func(w *world) { w.network.Set(host, testregistry.ServFail) },
			want: "RegistryUnavailable: the host name can't be resolved now; transient",
		},
		"connection refused": {
			set:  func(w *world) { w.network.Set(host, testregistry.Refused) },
			want: "RegistryUnavailable: connection refused; transient",
		},
		"a host name that is none": {
			ref:  "no host/shop/web:1",
			want: "RegistryUnavailable: the connection broke; transient",
		},
		"no route": {
			ref:  "192.0.2.1/shop/web:1",
			want: "RegistryUnavailable: no route to the registry; transient",
		},
		"connection broken off": {
			set:  func(w *world) { w.Fault(testregistry.Fault{Reset: true}) },
			want: "RegistryUnavailable: the connection broke; transient",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, testregistry.Config{})
			if test.set != nil {
				test.set(w)
			}
			if test.ref == "" {
				test.ref = web
			}
			wantVerdict(t, w.ask(test.ref, anonymous()), test.want)
		})
	}
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	const (
		short   = 50 * time.Millisecond
		noReply = "RegistryUnavailable: no answer in time; transient"
		overdue = "DeadlineExceeded: the registry gave no answer in time"
	)
	hang := func(w *world) { w.Fault(testregistry.Fault{Hang: true}) }
	tests := map[string]struct {
		set              func(*world)
		connect, request time.Duration
		budget           time.Duration
		want             string
	}{
		"the request's time ends":    {set: hang, request: short, budget: time.Minute, want: noReply},
		"the question's time ends":   {set: hang, request: time.Minute, budget: short, want: overdue},
		"the question came too late": {budget: -time.Second, want: overdue},
		"connecting takes too long": {
			set:     func(w *world) { w.network.Set(host, testregistry.Hanging) },
			connect: short, request: time.Minute, budget: time.Minute, want: noReply,
		},
		"the token service takes too long": {
			set:     func(w *world) { w.Fault(testregistry.Fault{Path: "/token", Hang: true}) },
			request: 200 * time.Millisecond, budget: time.Minute, want: noReply,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, bearer(), func(o *registry.Options) {
				o.RequestTimeout, o.ConnectTimeout = test.request, test.connect
			})
			if test.set != nil {
				test.set(w)
			}
			ctx, cancel := context.WithTimeout(t.Context(), test.budget)
			defer cancel()
			wantVerdict(t, w.client.Resolve(ctx, reference(web), alice()), test.want)
		})
	}
}

func TestAQuestionThatIsGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testregistry.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	w.Fault(testregistry.Fault{Hang: true, Match: func(*http.Request) bool { cancel(); return true }})
	wantVerdict(t, w.client.Resolve(ctx, reference(web), anonymous()),
		"DeadlineExceeded: the registry gave no answer in time")
}

func TestCertificatesFromAuthoritiesAndForNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testregistry.Config{})
	stranger, err := testregistry.NewCA()
	if err != nil {
		t.Fatalf("NewCA: %v", err)
	}
	w.add("private.example.com", testregistry.Config{CA: stranger})
	wantVerdict(t, w.ask("private.example.com/shop/web:1", anonymous()),
		"RegistryUnavailable: the registry's certificate is from an authority unknown to Pullgate; transient")

	client := newClient(t, registry.Options{RootCAs: w.ca.Pool(), DialContext: dialTo(w.Addr())})
	wantVerdict(t, client.Resolve(t.Context(), reference("other.example.com/shop/web:1"), anonymous()),
		"RegistryUnavailable: the registry's certificate is for another name; transient")
}

func TestBadTLS(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		certificate x509.Certificate
		version     uint16
		want        string
	}{
		"expired certificate": {
			certificate: x509.Certificate{NotAfter: time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC)},
			want:        "RegistryUnavailable: the registry's certificate is expired or not valid yet; transient",
		},
		"certificate of a client": {
			certificate: x509.Certificate{
				NotAfter:    time.Date(2100, time.January, 1, 0, 0, 0, 0, time.UTC),
				ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
			},
			want: "RegistryUnavailable: the registry's certificate is invalid; transient",
		},
		"a version of the past": {
			certificate: x509.Certificate{NotAfter: time.Date(2100, time.January, 1, 0, 0, 0, 0, time.UTC)},
			version:     tls.VersionTLS11,
			want:        "RegistryUnavailable: the registry does not speak TLS as expected; transient",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			certificate, pool := selfSigned(t, test.certificate)
			s := httptest.NewUnstartedServer(http.NotFoundHandler())
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS10, MaxVersion: test.version}
			s.StartTLS()
			t.Cleanup(s.Close)
			client := newClient(t, registry.Options{RootCAs: pool, DialContext: dialTo(s.Listener.Addr().String())})
			wantVerdict(t, client.Resolve(t.Context(), reference(web), anonymous()), test.want)
		})
	}
}

func TestPeersThatSpeakNoTLS(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ greeting, want string }{
		"another protocol": {
			greeting: "SSH-2.0-OpenSSH_9.9\r\n",
			want:     "RegistryUnavailable: the registry does not speak TLS as expected; transient",
		},
		"silence": {want: "RegistryUnavailable: no answer in time; transient"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, registry.Options{
				ConnectTimeout: 50 * time.Millisecond,
				DialContext:    func(context.Context, string, string) (net.Conn, error) { return greeter(t, test.greeting), nil },
			})
			wantVerdict(t, client.Resolve(t.Context(), reference(web), anonymous()), test.want)
		})
	}
}

func TestAnErrorOfNoKnownType(t *testing.T) {
	t.Parallel()
	client := newClient(t, registry.Options{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("cable cut") },
	})
	wantVerdict(t, client.Resolve(t.Context(), reference(web), anonymous()),
		"RegistryUnavailable: the connection broke; transient")
}

// greeter is a connection to a peer that says one thing and then listens.
func greeter(t *testing.T, greeting string) net.Conn {
	near, far := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		go func() { _, _ = io.WriteString(far, greeting) }()
		_, _ = io.Copy(io.Discard, far)
	}()
	t.Cleanup(func() {
		_ = far.Close()
		_ = near.Close()
		<-done
	})
	return near
}

// dialTo leads every name to one address.
func dialTo(address string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, network, address)
	}
}

// selfSigned completes a certificate for registry.example.com, which is its own authority.
func selfSigned(t *testing.T, template x509.Certificate) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("generating a key: %v", err)
	}
	template.SerialNumber = big.NewInt(1)
	template.NotBefore = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)
	template.DNSNames = []string{host}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatalf("signing: %v", err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatalf("parsing: %v", err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
