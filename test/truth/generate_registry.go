package truth

import (
	"fmt"
	"slices"
)

// addRegistry adds a registry, and before it the server of its tokens if that is another one.
func (g generator) addRegistry(s *Scenario, name string) {
	r := Registry{Name: name, Auth: pick(g, "none", "none", "basic", "bearer", "bearer", "bearer")}
	r.Holds = g.content()
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
		r.Loses = g.losses(r.Holds)
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

// storage returns another host to which the registry redirects requests for its content.
func (g generator) storage(r *Registry) Registry {
	s := Registry{Name: "storage." + r.Name, Holds: slices.Clone(r.Holds)}
	if g.deep {
		s.Faults = g.faults()
	}
	r.Faults = append(r.Faults, Fault{
		Path: "/v2/" + repository + "/*", AfterAuth: g.oneIn(2), Redirect: "https://" + s.Name, Status: pick(g, 0, 301, 302, 307, 308),
	})
	return s
}

// content returns an image, an index or no matching content. No node has a layer of the images without a program.
func (g generator) content() []Push {
	ref := repository + ":" + tag
	switch g.IntN(12) {
	case 0:
		return nil
	case 1:
		return []Push{{Image: repository + ":other"}}
	case 2, 3, 4, 5:
		return []Push{{Index: ref, Entries: g.entries()}}
	case 6:
		return []Push{{Image: ref, Platform: pick(g, "linux/amd64", "linux/arm64", "windows/amd64"), Docker: true, Idle: g.deep}}
	}
	return []Push{{Image: ref, Idle: g.deep, Layers: g.IntN(4)}}
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
	switch g.IntN(5) {
	case 0:
		f.Header = map[string][]string{"Content-Type": {pick(g, "text/html", "application/json", "text/plain")}}
	case 1:
		f.DropHeader = []string{pick(g, "Docker-Content-Digest", "Content-Type", "Content-Length")}
	case 2:
		f.Status = pick(g, 401, 403, 429, 500, 503)
		f.Times = 1 + g.IntN(3)
	default:
		f.Status = pick(g, 400, 401, 403, 404, 405, 410, 429, 500, 501, 502, 503, 504)
	}
	return []Fault{f}
}

func (g generator) tokenFault() Fault {
	f := Fault{Path: "/token", Method: pick(g, "", "POST", "GET")}
	switch g.IntN(4) {
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
