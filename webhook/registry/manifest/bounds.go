package manifest

import "errors"

// Bounds of a document. Its author may be an attacker, and three bytes of JSON decode to more than a hundred in memory. Within these
// bounds, decoding allocates at most about 2 MiB and keeps 0.7 MiB. containerd has no such bounds, so that a document beyond them
// proves nothing. Long strings need no bound of their own: they take no more memory than the document.
const (
	// maxElements bounds the elements of one list or the members of one object. Real indexes have a few dozen entries, real images
	// at most 127 layers. Each of 256 simultaneous checks may keep the entries of an index.
	maxElements = 1000
	// maxValues bounds the elements and members of the whole document. That is ten for each of maxElements entries, as many as an
	// entry with a platform and three annotations has.
	maxValues = 10 * maxElements
	// maxDepth bounds the nesting. Real documents have five levels: the index, its list, an entry, its platform, a list of features.
	maxDepth = 64
	// maxEmbedding bounds the manifests that are embedded in each other, as base64 text. Real images embed none.
	maxEmbedding = 2
)

// ErrTooLarge is the error for a document with more content than Pullgate reads. A node may accept it.
var ErrTooLarge = errors.New("document has too many entries")

// checkBounds returns ErrTooLarge if a document exceeds the bounds. It reads up to the bound and allocates no memory, so that it
// protects the decoder, which allocates while it reads. The decoder rejects invalid JSON.
func checkBounds(body []byte) error {
	var (
		elements [maxDepth]int // of each open list or object
		depth    int
		values   int
	)
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '"':
			i = endOfString(body, i+1)
		case '{', '[':
			if depth == maxDepth {
				return ErrTooLarge
			}
			elements[depth] = 1
			depth++
			values++
		case '}', ']':
			depth = max(depth-1, 0)
		case ',':
			level := max(depth-1, 0)
			elements[level]++
			values++
			if elements[level] > maxElements {
				return ErrTooLarge
			}
		}
		if values > maxValues {
			return ErrTooLarge
		}
	}
	return nil
}

// endOfString returns the position of the quote that ends a string, or the length of the document.
func endOfString(body []byte, i int) int {
	for ; i < len(body) && body[i] != '"'; i++ {
		if body[i] == '\\' {
			i++
		}
	}
	return i
}
