package nodes_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
)

// The cluster has one node.
func TestPresenceComparesNames(t *testing.T) {
	t.Parallel()
	byDigest := webImage()
	byDigest.Tag, byDigest.Digest = "", digest
	hub := imagepull.Reference{Domain: "docker.io", Path: "library/web", Tag: "1"}
	hubTeam := imagepull.Reference{Domain: "docker.io", Path: "team/web", Tag: "1"}
	local := imagepull.Reference{Domain: "localhost", Path: "web", Tag: "1"}
	port := imagepull.Reference{Domain: "registry:5000", Path: "web", Tag: "1"}
	tests := map[string]struct {
		ref    imagepull.Reference
		change func(*corev1.Node)
		want   nodes.Presence
	}{
		"loaded":                            {webImage(), withImage(web), nodes.AllNodes},
		"loaded by kind":                    {webImage(), withImage("docker.io/library/import-2026-11-22@"+digest, web), nodes.AllNodes},
		"pulled":                            {webImage(), withImage(webDigest, web), nodes.AllNodesUnverified},
		"pulled by an older kubelet":        {webImage(), combined(withImage(webDigest, web), withKubelet("v1.34.9-gke.100")), nodes.AllNodes},
		"pulled by the first that verifies": {webImage(), combined(withImage(webDigest, web), withKubelet("v1.35.0")), nodes.AllNodesUnverified},
		"pulled by an unknown kubelet":      {webImage(), combined(withImage(webDigest, web), withKubelet("devel")), nodes.AllNodesUnverified},
		"another tag":                       {webImage(), withImage(webDigest, "registry.example/shop/web:2"), nodes.Absent},
		"another registry":                  {webImage(), withImage("other.example/shop/web@"+digest, "other.example/shop/web:1"), nodes.Absent},
		"the digest is not the tag":         {webImage(), withImage(webDigest), nodes.Absent},
		"by digest":                         {byDigest, withImage(webDigest, web), nodes.AllNodesUnverified},
		"the tag is not the digest":         {byDigest, withImage(web), nodes.NotYetReported},
		"of Docker Hub":                     {hub, withImage("docker.io/library/web:1"), nodes.AllNodes},
		"of Docker Hub, as Docker reports":  {hub, withImage("web:1"), nodes.AllNodes},
		"of a team, as Docker reports":      {hubTeam, withImage("team/web:1"), nodes.AllNodes},
		"pulled, as Docker reports":         {hubTeam, withImage("team/web@"+digest, "team/web:1"), nodes.AllNodesUnverified},
		"of a host without dots":            {local, withImage("localhost/web:1"), nodes.AllNodes},
		"of a host with a port":             {port, withImage("registry:5000/web:1"), nodes.AllNodes},
		"no name":                           {webImage(), withImage(), nodes.Absent},
		"an invalid name":                   {webImage(), withImage("<none>@<none>", "<none>:<none>", ""), nodes.Absent},

		"a list that is not full":    {webImage(), withImages(49), nodes.Absent},
		"a full list":                {webImage(), withImages(50), nodes.Unreported},
		"more than a full list":      {webImage(), withImages(70), nodes.Unreported},
		"a full list with the image": {webImage(), combined(withImage(web), withImages(50)), nodes.AllNodes},
		"a list not yet reported":    {webImage(), func(n *corev1.Node) { n.Status.Images = nil }, nodes.Unreported},
		"an image of many names": {
			webImage(), withImage("a.example/x/y@"+digest, "a.example/x/y:2", "a.example/x/y:3", "a.example/x/y:4", "a.example/x/y:5"), nodes.Absent,
		},
		"an image of many names, one with the same base": {
			webImage(), withImage("a.example/x/y:1", "a.example/x/y:2", "a.example/x/y:3", "a.example/x/y:4", "stage.example/web:5"), nodes.Unreported,
		},
		"an image of four names": {
			webImage(), withImage("a.example/x/y@"+digest, "a.example/x/y:2", "a.example/x/y:3", "stage.example/web:5"), nodes.Absent,
		},

		"a reference that may be an ID": {
			imagepull.Reference{Domain: "docker.io", Path: "library/sha256", Tag: digest[7:]}, withImage(web), nodes.Unreported,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := newSnapshot(t, "", newNode("n", "linux/amd64", tt.change))
			if got := all.Candidates(nil).Presence(tt.ref); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}
