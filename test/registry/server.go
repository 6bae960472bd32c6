package registry

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Server is a registry that listens on a loopback port. Start returns a running one.
type Server struct {
	cfg      Config
	ca       *CA
	addr     string
	access   *access
	tokens   *tokenService
	content  *content
	requests *requestLog
	faults   *faults
	limits   *limits
	handler  http.Handler
	cert     atomic.Pointer[tls.Certificate]

	mu       sync.Mutex
	names    []string
	instance *instance // nil while the server is stopped
	closed   bool
}

// Start creates a registry and starts it. The caller closes it.
func Start(cfg Config) (*Server, error) {
	cfg = cfg.complete()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("configuring the registry: %w", err)
	}
	s := &Server{
		cfg:     cfg,
		ca:      cfg.CA,
		names:   slices.Clone(cfg.Names),
		access:  &access{accounts: cfg.Accounts, public: cfg.Public},
		content: newContent(cfg.Seed),
		faults:  &faults{},
		limits:  &limits{now: cfg.Now},
	}
	s.buildHandler()
	if err := s.certify(); err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	s.addr = ln.Addr().String()
	s.instance = startInstance(ln, s.handler, s.tlsConfig())
	return s, nil
}

// buildHandler builds the chain of handlers, the last one first.
func (s *Server) buildHandler() {
	if from := s.cfg.Token.From; from != nil {
		s.access, s.tokens = from.access, from.tokens
	} else if s.cfg.Auth == AuthBearer {
		s.tokens = newTokenService(s.cfg, s.access)
	}
	s.requests = &requestLog{accountOf: s.accountOf}
	admitted := s.faults.wrap(s.limits.wrap(s.content), afterAuth)
	gate := &gate{cfg: s.cfg, access: s.access, tokens: s.tokens, exists: s.content.exists, next: admitted}
	s.faults.account, s.faults.challenge = s.requestAccount, gate.refuse
	s.handler = s.requests.wrap(s.faults.wrap(s.route(gate), beforeAuth))
}

// route passes token requests to the server's own token service, and other requests of the API to the gate.
func (s *Server) route(gate http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case s.tokens != nil && s.cfg.Token.From == nil && r.URL.Path == s.cfg.Token.Path:
			s.tokens.ServeHTTP(w, r)
		case r.URL.Path == "/v2" || strings.HasPrefix(r.URL.Path, "/v2/"):
			gate.ServeHTTP(w, r)
		default:
			http.NotFound(w, r)
		}
	})
}

// accountOf returns the account of a token, for the request log.
func (s *Server) accountOf(token string) string {
	if s.tokens == nil {
		return ""
	}
	g, _ := s.tokens.lookup(token)
	return g.account
}

// requestAccount returns the account in the request: its username, its token's account, or the username in the form of a
// token request.
func (s *Server) requestAccount(r *http.Request) string {
	if username, _, ok := r.BasicAuth(); ok {
		return username
	}
	if token := bearerToken(r); token != "" {
		return s.accountOf(token)
	}
	if r.Method != http.MethodPost || r.ParseForm() != nil {
		return ""
	}
	return r.PostForm.Get("username") // the parsed form stays with the request
}

// certify creates a certificate for the server's names, and a CA if it is missing.
func (s *Server) certify() error {
	if s.cfg.PlainHTTP {
		return nil
	}
	if s.ca == nil {
		ca, err := NewCA()
		if err != nil {
			return err
		}
		s.ca = ca
	}
	cert, err := s.ca.Certificate(s.names...)
	if err != nil {
		return err
	}
	s.cert.Store(&cert)
	return nil
}

// addName adds a DNS name to the server's certificate, from the next handshake on.
func (s *Server) addName(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.names, name) {
		return nil
	}
	s.names = append(s.names, name)
	return s.certify()
}

func (s *Server) tlsConfig() *tls.Config {
	if s.cfg.PlainHTTP {
		return nil
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.cert.Load(), nil },
	}
}

// Addr returns the address that the server listens on, such as "127.0.0.1:34567". It does not change.
func (s *Server) Addr() string { return s.addr }

// URL returns the server's root, such as "https://127.0.0.1:34567".
func (s *Server) URL() string {
	if s.cfg.PlainHTTP {
		return "http://" + s.addr
	}
	return "https://" + s.addr
}

// CloseAccount deletes the account. Its tokens stay valid, as at real registries.
func (s *Server) CloseAccount(username string) { s.access.close(username) }

// CA returns the CA that signed the server's certificate, or nil without TLS.
func (s *Server) CA() *CA { return s.ca }

// Stop stops the server: it aborts the requests in flight and refuses connections. Content, tokens, faults, limits
// and the recorded requests are kept. Stopping a stopped server does nothing. A handler, including Fault.Match, must
// not call Stop, because Stop waits for all handlers.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.instance != nil {
		s.instance.stop()
		s.instance = nil
	}
}

// Restart starts a stopped server on the same port. It fails if another process uses the port.
func (s *Server) Restart() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return errors.New("restarting the registry: it is closed")
	case s.instance != nil:
		return errors.New("restarting the registry: it is running")
	}
	ln, err := net.Listen("tcp", s.addr)
	if err != nil {
		return fmt.Errorf("restarting the registry: %w", err)
	}
	s.instance = startInstance(ln, s.handler, s.tlsConfig())
	return nil
}

// Close stops the server permanently. After Close returns, none of its goroutines run.
func (s *Server) Close() {
	s.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}
