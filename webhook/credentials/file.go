package credentials

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/document"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

var (
	errNoCredentials = errors.New("neither a Secret nor a docker config.json with auths")
	errHelper        = errors.New("the docker config.json has no auths: nodes can't use its credential helpers")
	errConfigNotJSON = errors.New("a docker config.json must be JSON")
	errNoName        = errors.New("a Secret needs a metadata.name")
	errData          = errors.New("the data of a Secret must be base64; plain text belongs in stringData")
	errSecretShape   = errors.New("the Secret does not have the shape of one")
)

// File is what was read from one file of pull secrets. The zero value holds none.
type File struct {
	items sealed[[]item]
}

// item is one Secret or docker config.json of a file.
type item struct {
	subject  string
	contents contents
}

// ParseFile reads a file that holds Secret manifests, in YAML or JSON, several of them as documents or as a List, or
// else a bare docker config.json. Objects of other kinds are passed over. The name of the file serves to name the
// source of a docker config.json's credentials.
//
// An error means that the file is not what it should be. A Secret that the API server would store but a kubelet can't
// use is no error: it shows up in the Set, as it would on a cluster.
func ParseFile(data []byte, name string) (File, error) {
	documents, err := document.Split(data)
	if err != nil {
		return File{}, err
	}
	p := fileParser{base: filepath.Base(name)}
	for _, d := range documents {
		if err := p.addDocument(d); err != nil {
			return File{}, fmt.Errorf("line %d: %w", d.Line, err)
		}
	}
	if len(p.items) == 0 {
		return File{}, errNoCredentials
	}
	return File{items: seal(p.items)}, nil
}

// fileParser collects the items of one file.
type fileParser struct {
	base  string
	items []item
}

// object is what tells one kind of object from another.
type object struct {
	Kind        string          `json:"kind"`
	Auths       json.RawMessage `json:"auths"`
	CredsStore  json.RawMessage `json:"credsStore"`
	CredHelpers json.RawMessage `json:"credHelpers"`
}

// addDocument takes one document, which may be a List.
func (p *fileParser) addDocument(d document.Document) error {
	objects, err := document.Items(d)
	if err != nil {
		return err
	}
	for _, data := range objects {
		if err := p.add(data, json.Valid(d.Raw)); err != nil {
			return err
		}
	}
	return nil
}

// add takes one object. isJSON tells whether the file has it as JSON, too.
func (p *fileParser) add(data []byte, isJSON bool) error {
	var o object
	if err := json.Unmarshal(data, &o); err != nil {
		return errNoCredentials
	}
	switch {
	case o.Kind == "Secret":
		return p.addSecret(data)
	case o.Kind != "":
		return nil
	case len(o.Auths) > 0 && !isJSON:
		return errConfigNotJSON
	case len(o.Auths) > 0:
		p.addConfig(data)
		return nil
	case len(o.CredsStore) > 0, len(o.CredHelpers) > 0:
		return errHelper
	}
	return errNoCredentials
}

// addSecret does to a manifest what the API server does when it stores it: stringData is written over data.
func (p *fileParser) addSecret(data []byte) error {
	var secret corev1.Secret
	if err := json.Unmarshal(data, &secret); err != nil {
		if _, ok := errors.AsType[base64.CorruptInputError](err); ok {
			return errData
		}
		return errSecretShape
	}
	if secret.Name == "" {
		return errNoName
	}
	for k, v := range secret.StringData {
		if secret.Data == nil {
			secret.Data = make(map[string][]byte)
		}
		secret.Data[k] = []byte(v)
	}
	source := "secret/" + secret.Name
	if secret.Namespace != "" {
		source = id{secret.Namespace, secret.Name}.source()
	}
	p.items = append(p.items, item{
		subject:  subjectOf(secret.Name),
		contents: readSecret(&secret, source),
	})
	return nil
}

// addConfig takes the file as the data of a pull secret, which is how it would reach a cluster.
func (p *fileParser) addConfig(data []byte) {
	p.items = append(p.items, item{
		subject:  fmt.Sprintf("file %q", p.base),
		contents: read(data, "file/"+p.base, parseDockerConfig),
	})
}

// Files are the pull secrets of every pod, where no API server is asked.
type Files []File

// Credentials returns the same set for every pod: that of a pod which lists all secrets of all files, in order. What
// the pod itself lists is not looked at, so nothing is ever missing.
func (f Files) Credentials(context.Context, imagepull.Pod, bool) Set {
	var set Set
	var rings []Keyring
	for _, file := range f {
		for _, i := range file.items.open() {
			rings = append(rings, i.contents.ring)
			set.note(i.subject, i.contents)
		}
	}
	set.Keyring = merge(rings...)
	return set
}
