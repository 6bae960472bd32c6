package imagepull

// ManifestKind is the kind of content that a descriptor announces by its media type. A node ignores the media type of the
// registry's response.
type ManifestKind uint8

const (
	// KindOther is content that is not a manifest. A node fetches it as a blob, and does not read it. It is the zero value.
	KindOther ManifestKind = iota
	// KindImage is the manifest of one image.
	KindImage
	// KindIndex is an index within an index.
	KindIndex
)

// Descriptor describes a manifest of an index, as far as a node uses the description to fetch the manifest.
type Descriptor struct {
	// Digest is the digest of the manifest, or empty if it is invalid.
	Digest string
	Size   int64
	Kind   ManifestKind
	// Defect describes in a few words why a node rejects the descriptor. It is empty if the node does not.
	Defect string
	// Elsewhere means that the registry need not serve the manifest: the index holds it, or names another host.
	Elsewhere bool
}
