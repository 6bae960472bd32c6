package secrets

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/document"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

var (
	errNoCredentials = errors.New("not a Secret, and not a docker config.json with auths")
	errHelper        = errors.New("the docker config.json has no auths: nodes cannot use its credential helpers")
	errConfigNotJSON = errors.New("a docker config.json must be JSON")
	errNoName        = errors.New("a Secret needs a metadata.name")
	errData          = errors.New("the data of a Secret must be base64; plain text belongs in stringData")
	errSecretShape   = errors.New("a field of the Secret has the wrong type")
)

// Files serve the same pull secrets to every pod, without an API server.
type Files []File

var _ credentials.Source = Files(nil)

// Credentials returns the set of a pod that lists all secrets of all files, in order. The names that the pod itself lists
// are ignored, so no secret is missing.
func (f Files) Credentials(context.Context, imagepull.Pod) credentials.Set {
	var set credentials.Set
	var keyrings []credentials.Keyring
	for _, file := range f {
		for _, i := range file.items {
			keyrings = append(keyrings, i.contents.keyring)
			i.contents.addProblem(&set, i.subject)
		}
	}
	set.Keyring = credentials.Merge(keyrings...)
	return set
}

// FreshCredentials returns the same set as Credentials.
func (f Files) FreshCredentials(ctx context.Context, pod imagepull.Pod) credentials.Set {
	return f.Credentials(ctx, pod)
}

// File holds the pull secrets of one file. The zero value is empty.
type File struct {
	items []item
}

// item is a Secret or docker config.json of a file.
type item struct {
	subject  string
	contents contents
}

// ParseFile parses a file with Secret manifests, in YAML or JSON, as several documents or as a List, or a file with one
// docker config.json. Objects of other kinds are ignored. The base name of the file becomes the source of the credentials
// of a docker config.json.
//
// ParseFile returns an error if the file has neither. A Secret that the API server would store but a kubelet cannot use is
// not an error: the Set reports it, as it would with a cluster.
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
	return File{items: p.items}, nil
}

// fileParser collects the items of one file.
type fileParser struct {
	base  string
	items []item
}

// addDocument adds the objects of one document, which may be a List.
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

// add adds one object. isJSON reports whether the file has the object as JSON.
func (p *fileParser) add(data []byte, isJSON bool) error {
	var object struct {
		Kind        string          `json:"kind"`
		Auths       json.RawMessage `json:"auths"`
		CredsStore  json.RawMessage `json:"credsStore"`
		CredHelpers json.RawMessage `json:"credHelpers"`
	}
	if err := json.Unmarshal(data, &object); err != nil {
		return errNoCredentials
	}
	switch {
	case object.Kind == "Secret":
		return p.addSecret(data)
	case object.Kind != "":
		return nil
	case len(object.Auths) > 0 && !isJSON:
		return errConfigNotJSON
	case len(object.Auths) > 0:
		p.addDockerConfig(data)
		return nil
	case len(object.CredsStore) > 0, len(object.CredHelpers) > 0:
		return errHelper
	}
	return errNoCredentials
}

// addSecret adds a Secret. It writes stringData over data, as the API server does when it stores the Secret.
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
		source = "secret/" + secret.Namespace + "/" + secret.Name
	}
	p.items = append(p.items, item{
		subject:  subject(secret.Name),
		contents: decodeSecret(&secret, source),
	})
	return nil
}

// addDockerConfig adds the file as the data of a pull secret, which is its form on a cluster.
func (p *fileParser) addDockerConfig(data []byte) {
	p.items = append(p.items, item{
		subject:  fmt.Sprintf("file %q", p.base),
		contents: decode(data, "file/"+p.base, credentials.ParseDockerConfig),
	})
}
