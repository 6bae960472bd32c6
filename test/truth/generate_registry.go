package truth

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/pullgate/pullgate/test/registry"
)

// addRegistry adds a registry, and before it the server of its tokens if that is another one.
func (g generator) addRegistry(s *Scenario, name string) {
	r := Registry{Name: name, Auth: pick(g, "none", "none", "basic", "bearer", "bearer", "bearer")}
	r.Holds, r.Loses = g.content(name)
	r.Faults = g.faults()
	r.Down = g.oneIn(40)
	if r.Auth == "bearer" {
		r.Token.RefusePost = pick(g, 0, 0, 0, 404, 405)
		r.Token.Omit = pick(g, nil, nil, []string{"token"}, []string{"access_token"}, []string{"expires_in"})
	}
	issuer := &r
	if r.Auth == "bearer" && g.oneIn(4) {
		issuer = &Registry{Name: "auth." + name, Auth: "bearer"}
		r.Token.From, r.Token.Realm = issuer.Name, "https://"+issuer.Name+"/token"
	}
	g.addAccounts(issuer)
	if r.Auth == "bearer" && g.oneIn(6) {
		issuer.Faults = append(issuer.Faults, g.tokenFault())
	}
	if g.deep && g.oneIn(8) {
		r.Loses = append(g.losses(r.Holds), r.Loses...) // first, because the blobs of a lost manifest are not known
	}
	if issuer != &r {
		s.Registries = append(s.Registries, *issuer)
	}
	if g.oneIn(12) {
		s.Registries = append(s.Registries, g.storage(&r))
	}
	s.Registries = append(s.Registries, r)
}

func (g generator) addAccounts(r *Registry) {
	if r.Auth == "none" {
		return
	}
	r.Accounts = map[string]string{"reader": "right", "stranger": "known"}
	r.Access = map[string][]string{"reader": {"*"}, "stranger": {"elsewhere/*"}}
	r.DenyStatus = pick(g, 0, 401, 403, 404)
	r.RevealMissing = g.oneIn(3)
	if g.oneIn(2) {
		r.Public, r.ChallengePublic = []string{repository}, g.oneIn(2)
	}
}

// storage returns another host to which the registry redirects requests for its content: a name below its own, another
// port of it, or a stranger. It may refuse credentials, or hide from requests without them.
func (g generator) storage(r *Registry) Registry {
	host, _, _ := strings.Cut(r.Name, ":")
	s := Registry{Name: pick(g, "storage."+r.Name, host+":9443", "storage-of-"+r.Name)}
	for _, p := range r.Holds {
		p.Body = strings.ReplaceAll(p.Body, "("+r.Name+"/", "("+s.Name+"/")
		s.Holds = append(s.Holds, p)
	}
	if g.deep {
		s.Faults = g.faults()
	}
	switch g.IntN(6) {
	case 0:
		s.Faults = append(s.Faults, Fault{Authorization: registry.Present, Status: 400})
	case 1:
		s.Faults = append(s.Faults, Fault{Authorization: registry.Absent, Status: 404})
	}
	r.Faults = append(r.Faults, Fault{
		Path: "/v2/" + repository + "/*", AfterAuth: g.oneIn(2), Redirect: "https://" + s.Name, Status: pick(g, 0, 301, 302, 307, 308),
	})
	return s
}

// content returns an image, an index or no matching content, and what of it is lost. No node has a layer of the images
// without a program.
func (g generator) content(name string) ([]Push, []Loss) {
	ref := repository + ":" + tag
	switch g.IntN(14) {
	case 0:
		return nil, nil
	case 1:
		return []Push{{Image: repository + ":other"}}, nil
	case 2, 3, 4, 5:
		return []Push{{Index: ref, Entries: g.entries()}}, nil
	case 6:
		return []Push{{Image: ref, Platform: pick(g, "linux/amd64", "linux/arm64", "windows/amd64"), Docker: true, Idle: g.deep}}, nil
	case 7, 8:
		return g.rawIndex(name)
	}
	return []Push{{Image: ref, Idle: g.deep, Layers: g.IntN(4)}}, nil
}

// rawIndex returns an index whose only entry may have a defect, and whose image may be lost.
func (g generator) rawIndex(name string) ([]Push, []Loss) {
	const ociIndex, ociManifest = "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json"
	child := name + "/" + repository + ":child"
	entry := map[string]string{
		"mediaType": strconv.Quote(ociManifest), "digest": `"DIGEST(` + child + `)"`, "size": "SIZE(" + child + ")",
		"platform": `{"os":"linux","architecture":"amd64"}`,
	}
	defect := pick(g, [2]string{}, [2]string{}, [2]string{},
		[2]string{"size", "0"}, [2]string{"size", "-1"}, [2]string{"size", "7"}, [2]string{"size", "70000"}, [2]string{"size", ""},
		[2]string{"mediaType", ""}, [2]string{"mediaType", `"application/json"`}, [2]string{"mediaType", strconv.Quote(ociIndex)},
		[2]string{"digest", `"sha256:00"`}, [2]string{"platform", `{"os":"","architecture":""}`}, [2]string{"platform", ""},
		[2]string{"data", `"DATA(` + child + `)"`}, [2]string{"data", `"AAAA"`})
	entry[defect[0]] = defect[1]
	var fields []string
	for _, key := range []string{"mediaType", "digest", "size", "platform", "data"} {
		if entry[key] != "" {
			fields = append(fields, strconv.Quote(key)+":"+entry[key])
		}
	}
	holds := []Push{
		{Image: repository + ":child", Idle: g.deep},
		{
			Manifest: repository + ":" + tag, MediaType: ociIndex,
			Body: `{"schemaVersion":2,"mediaType":"` + ociIndex + `","manifests":[{` + strings.Join(fields, ",") + `}]}`,
		},
	}
	if g.oneIn(4) {
		return holds, []Loss{{Manifest: repository + "@DIGEST(" + child + ")"}}
	}
	return holds, nil
}

func (g generator) losses(holds []Push) []Loss {
	var losses []Loss
	for _, p := range holds {
		if p.Image != "" {
			losses = append(losses, Loss{Blobs: p.Image})
		}
	}
	return losses
}

// entries returns up to seven entries. In a few of them, the platform in the index is missing or wrong.
func (g generator) entries() []Entry {
	platforms := []string{
		"linux/amd64", "linux/arm64", "linux/arm64/v8", "linux/arm/v7", "linux/386", "linux/amd64/v2", "unknown/unknown",
		"windows/amd64", "linux/x86_64", "linux/s390x",
	}
	if g.oneIn(4) {
		platforms = append(platforms, "", "")
	}
	g.Shuffle(len(platforms), func(i, j int) { platforms[i], platforms[j] = platforms[j], platforms[i] })
	var entries []Entry
	for _, p := range platforms[:g.IntN(8)] {
		e := Entry{Platform: p}
		if p == "" || g.oneIn(20) {
			e.Image = pick(g, "", "linux/arm64", "linux/386")
		}
		entries = append(entries, e)
	}
	return entries
}

// faults returns faults that affect manifest requests, and with the deep check also later requests.
func (g generator) faults() []Fault {
	if !g.oneIn(6) {
		return nil
	}
	f := Fault{Path: "/v2/" + repository + "/manifests/*", Method: pick(g, "", "HEAD"), AfterAuth: g.oneIn(2)}
	if g.deep {
		f.Path = "/v2/" + repository + pick(g, "/manifests/*", "/blobs/*", "/*")
	}
	switch g.IntN(11) {
	case 0:
		f.Header = map[string][]string{"Content-Type": {pick(g, "text/html", "application/json", "text/plain")}}
	case 1:
		f.DropHeader = []string{pick(g, "Docker-Content-Digest", "Content-Type", "Content-Length")}
	case 3:
		f.Method, f.Authorization, f.AfterAuth = "HEAD", registry.Present, false
		f.Challenge, f.Cause, f.Times = true, pick(g, "", "", "", "invalid_token"), g.IntN(5)
	case 4:
		f.Method, f.Account, f.After, f.Times, f.Status = "HEAD", "reader", g.IntN(2), 1, pick(g, 401, 403, 404, 503)
	case 5:
		f.Path, f.Method, f.Encode = "/v2/"+repository+"/manifests/*", "", pick(g, "gzip", "zstd", "deflate")
	case 6:
		f.AfterAuth, f.UnlessAgent, f.Status, f.Body = false, "containerd/", pick(g, 200, 403, 404), "<html></html>"
		f.Header = map[string][]string{"Content-Type": {"text/html"}}
	case 7:
		f.Method, f.Times, f.Status = "HEAD", 1, pick(g, 401, 403, 404, 410)
	case 8:
		f = g.lengthOrPolicy(f)
	case 2:
		f.Status = pick(g, 401, 403, 429, 500, 503)
		f.Times = 1 + g.IntN(3)
	default:
		f.Status = pick(g, 400, 401, 403, 404, 405, 410, 429, 500, 501, 502, 503, 504)
	}
	return []Fault{f}
}

// lengthOrPolicy returns a fault that a node notices when it reads a manifest. Only the deep check always reads it.
func (g generator) lengthOrPolicy(f Fault) Fault {
	f.Path = "/v2/" + repository + "/manifests/*"
	switch {
	case g.deep && g.oneIn(2):
		f.Method, f.Header = "HEAD", map[string][]string{"Content-Length": {pick(g, "10", "100000")}}
	case g.deep:
		f.Method, f.Status, f.Body = "GET", 412, `{"errors":[{"code":"PROJECTPOLICYVIOLATION"}]}`
	default:
		f.Method, f.Header = "HEAD", map[string][]string{"Ratelimit-Remaining": {pick(g, "0;w=21600", "7;w=21600")}}
	}
	return f
}

// heals reports whether the fault ends a pull and is over at the next one. A pull ends with the first response of such a status, and
// repeats a request that is challenged. After 401 from a token service it tries another method.
func (f Fault) heals() bool {
	switch {
	case f.Path == "/token":
		return f.Times == 1 && f.Status > 401
	case f.Method != http.MethodHead:
		return false
	}
	return f.Challenge && f.Times > 0 || f.Times == 1 && f.Status >= 400 && f.Status < 429
}

func (g generator) tokenFault() Fault {
	f := Fault{Path: "/token", Method: pick(g, "", "POST", "GET")}
	switch g.IntN(5) {
	case 2:
		f.Encode = pick(g, "gzip", "zstd", "deflate")
	case 0:
		f.Body = pick(g, `{}`, `{"token":""}`, `{"access_token":"of no use"}`, `<html></html>`)
	case 1:
		f.Status, f.Times = pick(g, 401, 429, 500, 503), 1+g.IntN(2)
	default:
		f.Status = pick(g, 400, 401, 403, 404, 405, 429, 500, 503, 302)
	}
	if f.Status == 302 {
		f.Redirect = fmt.Sprintf("https://%s/elsewhere", g.host)
	}
	return f
}
