package podspec

import (
	// A digest is valid only if its algorithm is linked in. The kubelet links these (pkg/util/parsers).
	_ "crypto/sha256"
	_ "crypto/sha512"
	"strings"

	"github.com/distribution/reference"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// defaultTag is the tag of an image without a tag and a digest, as in the kubelet.
const defaultTag = "latest"

// maxImage bounds the time of parsing: the grammar has no limit for hosts, and its regular expressions take a microsecond for
// each byte that a pod's author writes. No node could pull a longer image: the grammar limits repository, tag and digest, and
// DNS limits hosts.
const maxImage = 4096

// ParseReference parses an image as in the kubelet, and normalises it as in containerd. A short name belongs to docker.io, the
// default tag is "latest", and a digest overrides the tag.
//
// The error describes why the kubelet would report InvalidImageName. It does not quote the image, which can have any length
// and hold any character.
func ParseReference(image string) (imagepull.Reference, error) {
	ref, _, err := parse(image)
	return ref, err
}

// parse returns the tag separately: a reference with a digest has no tag, but the tag still decides the default pull policy.
func parse(image string) (imagepull.Reference, string, error) {
	if len(image) > maxImage {
		return imagepull.Reference{}, "", errImageTooLong
	}
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return imagepull.Reference{}, "", explain(image, err)
	}
	ref := repository(named)
	tag := ""
	if tagged, ok := named.(reference.Tagged); ok {
		tag = tagged.Tag()
	}
	if digested, ok := named.(reference.Digested); ok {
		ref.Digest = digested.Digest().String()
		return ref, tag, nil
	}
	if tag == "" {
		tag = defaultTag
	}
	ref.Tag = tag
	return ref, tag, nil
}

// repository splits the name at its first slash, as containerd does to find the host. The library's own split finds no domain
// in "my_registry.example/x", because of the underscore. The node would send its request to that host.
func repository(named reference.Named) imagepull.Reference {
	domain, path, _ := strings.Cut(named.Name(), "/")
	return imagepull.Reference{Domain: domain, Path: path}
}
