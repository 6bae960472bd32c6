// Package manifest reads the JSON documents of an image: manifest, index and configuration.
//
//	m, err := manifest.Parse(body)
//	for _, blob := range m.RequiredBlobs() { … }
//
// It takes bytes and sends no requests. It accepts and rejects the same documents as containerd, and replaces every string that
// is not a plain platform name, so that its results can appear in messages. It does not decode a document with more entries than any
// real one: its author may be an attacker (see ErrTooLarge).
//
// The documents are decoded with the types of image-spec, as in containerd, and not with go-containerregistry's v1 types. Those
// reject documents that a node accepts: a digest of an unknown algorithm, a digest that is not one, or a platform whose
// "features" is a string (TestParseIndexAgreesWithContainerd). They also accept trailing data, which a node rejects. Media types
// are go-containerregistry's.
package manifest
