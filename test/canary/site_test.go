package canary

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"
)

// site is the behaviour of a host. The zero value is a registry with its own token service, which accepts every canary. All error
// bodies repeat the request, with its headers.
type site struct {
	// challenge holds the WWW-Authenticate headers. By default it names the host's own token service.
	challenge []string
	// open admits requests without authorization. A token service then issues a token to everybody.
	open bool
	// redirect holds the Location of redirects. The keys are "token" for the token service, "anonymous" for requests without
	// authorization, and the method of all others. {path} is the path and query of the request.
	redirect map[string]string
	// redirectStatus is 307 when zero.
	redirectStatus int
	// header is added to every response.
	header http.Header
	// status and body replace the response to an authorized request, or to those with the method only. A body needs a status.
	status int
	method string
	body   string
	// proxy opens tunnels to the hosts of the network, or refuses them with the status.
	proxy bool
}

const basic = `Basic realm="registry"`

// bearer returns the challenge that names a token service.
func bearer(realm string) []string {
	return []string{fmt.Sprintf("Bearer realm=%q,service=%q", realm, "registry")}
}

// controlPath is a part of all control images. Nothing is hostile to them.
const controlPath = "control/"

// serve responds to a request to a host.
func (w *world) serve(name string, rw http.ResponseWriter, r *http.Request) {
	s, ok := w.sites[name]
	if !ok && name == "registry.example:443" {
		s = w.registry
	}
	// The body of a POST has the scope, as the query of a GET.
	isToken := strings.HasPrefix(r.URL.Path, "/token")
	if strings.Contains(r.URL.Path, controlPath) || isToken && strings.Contains(r.FormValue("scope"), controlPath) {
		s = site{proxy: s.proxy}
	}
	if s.challenge == nil {
		s.challenge = bearer("https://" + strings.TrimSuffix(name, ":443") + "/token")
	}
	s.serve(w, rw, r, isToken)
}

func (s site) serve(w *world, rw http.ResponseWriter, r *http.Request, isToken bool) {
	if s.proxy && r.Method == http.MethodConnect {
		s.tunnel(w, rw, r)
		return
	}
	for key, values := range s.header {
		for _, value := range values {
			rw.Header()[key] = append(rw.Header()[key], w.text.Replace(value))
		}
	}
	s.body = w.text.Replace(s.body)
	c, known := w.credential(r)
	kind := r.Method
	switch {
	case isToken:
		kind = "token"
	case !known && !s.open:
		kind = "anonymous"
	}
	location, redirected := s.redirect[kind]
	switch {
	case redirected:
		rw.Header()["Location"] = []string{w.text.Replace(strings.ReplaceAll(location, "{path}", r.URL.RequestURI()))}
		rw.WriteHeader(cmp.Or(s.redirectStatus, http.StatusTemporaryRedirect))
	case s.status != 0 && (known || s.open) && (s.method == "" || s.method == r.Method):
		s.fail(rw, r, s.status)
	case isToken && (known || s.open):
		rw.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(rw).Encode(map[string]any{"token": cmp.Or(c.token, guest), "access_token": cmp.Or(c.token, guest), "expires_in": 300})
	case isToken:
		s.fail(rw, r, http.StatusUnauthorized)
	case known || s.open:
		serveImage(rw, r)
	default:
		rw.Header()["Www-Authenticate"] = s.challenge
		s.fail(rw, r, http.StatusUnauthorized)
	}
}

// fail writes an error whose body repeats the request.
func (s site) fail(rw http.ResponseWriter, r *http.Request, status int) {
	dump, err := httputil.DumpRequest(r, true)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	body := s.body
	if body == "" {
		text, err := json.Marshal(map[string]any{"errors": []any{map[string]string{
			"code": "DENIED " + r.Header.Get("Authorization"), "message": string(dump), "detail": string(dump),
		}}})
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		body = string(text)
	}
	rw.Header().Set("X-Request", r.Header.Get("Authorization"))
	rw.Header().Set("Content-Type", cmp.Or(rw.Header().Get("Content-Type"), "application/json"))
	rw.WriteHeader(status)
	_, _ = io.WriteString(rw, body)
}

// guest is a token that belongs to no canary.
const guest = "guest"

// credential returns the canary of a request. It is empty for a guest.
func (w *world) credential(r *http.Request) (canary, bool) {
	user, password, _ := r.BasicAuth()
	if user == "" && r.Method == http.MethodPost {
		user, password = r.FormValue("username"), r.FormValue("password")
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	for _, c := range w.canaries {
		if c.user == user && c.password == password || c.token == token {
			return c, true
		}
	}
	return canary{}, token == guest
}

// tunnel connects a client of the proxy with a host of the network.
func (s site) tunnel(w *world, rw http.ResponseWriter, r *http.Request) {
	if s.status != 0 {
		s.fail(rw, r, s.status)
		return
	}
	to, err := w.dial(r.Context(), "tcp", r.RequestURI)
	if err != nil {
		http.Error(rw, "no such host", http.StatusBadGateway)
		return
	}
	defer to.Close()
	from, buffered, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer from.Close()
	_, _ = io.WriteString(from, "HTTP/1.1 200 OK\r\n\r\n")
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(to, buffered)
		_ = to.Close()
	}()
	_, _ = io.Copy(from, to)
	_ = from.Close()
	<-done
}

const (
	indexType    = "application/vnd.oci.image.index.v1+json"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	layer        = "a layer"
)

var (
	layerDigest = digest.FromString(layer)
	imageConfig = fmt.Sprintf(`{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[%q]}}`, layerDigest)
	manifest    = fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":%q,"size":%d},`+
		`"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":%q,"size":%d}]}`,
		manifestType, digest.FromString(imageConfig), len(imageConfig), layerDigest, len(layer))
	index = fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[{"mediaType":%q,"digest":%q,"size":%d,"platform":{"os":"linux","architecture":"amd64"}}]}`,
		indexType, manifestType, digest.FromString(manifest), len(manifest))
)

// serveImage serves the same image under all names.
func serveImage(rw http.ResponseWriter, r *http.Request) {
	mediaType, content := indexType, index
	switch {
	case strings.HasSuffix(r.URL.Path, layerDigest.String()):
		mediaType, content = "application/octet-stream", layer
	case strings.HasSuffix(r.URL.Path, digest.FromString(imageConfig).String()):
		mediaType, content = "application/octet-stream", imageConfig
	case strings.HasSuffix(r.URL.Path, digest.FromString(manifest).String()):
		mediaType, content = manifestType, manifest
	}
	rw.Header().Set("Content-Type", mediaType)
	rw.Header().Set("Content-Length", strconv.Itoa(len(content)))
	rw.Header().Set("Docker-Content-Digest", digest.FromString(content).String())
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(rw, content)
	}
}
