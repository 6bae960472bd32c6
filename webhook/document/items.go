package document

import (
	"encoding/json"
	"errors"
	"strings"
)

var errNotAList = errors.New("the items of a List must be a list of objects")

// Items returns the objects of a document: the document itself, or the items of a List. It expands Lists within Lists. The
// items of a typed list, such as a PodList, may omit their kind, and get it from the list.
//
// As in kubectl, an object is a list only if it has items: the name of its kind alone does not make it one.
func Items(d Document) ([]json.RawMessage, error) { return items(d.JSON) }

func items(raw json.RawMessage) ([]json.RawMessage, error) {
	var list struct {
		APIVersion string          `json:"apiVersion"`
		Kind       string          `json:"kind"`
		Items      json.RawMessage `json:"items"`
	}
	// Data that is not an object is returned as it is. The code that decodes objects rejects it.
	isObject := json.Unmarshal(raw, &list) == nil
	kind, isList := strings.CutSuffix(list.Kind, "List")
	if !isObject || !isList || list.Items == nil {
		return []json.RawMessage{raw}, nil
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(list.Items, &elements); err != nil {
		return nil, errNotAList
	}
	var all []json.RawMessage
	for _, element := range elements {
		object, err := withKind(element, list.APIVersion, kind)
		if err != nil {
			return nil, err
		}
		nested, err := items(object)
		if err != nil {
			return nil, err
		}
		all = append(all, nested...)
	}
	return all, nil
}

// withKind adds apiVersion and kind, which the API server omits in the items of a typed list.
func withKind(item json.RawMessage, apiVersion, kind string) (json.RawMessage, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(item, &object); err != nil || object == nil {
		return nil, errNotAList
	}
	if _, hasKind := object["kind"]; hasKind || kind == "" {
		return item, nil
	}
	complete := map[string]any{"apiVersion": apiVersion, "kind": kind}
	for key, value := range object {
		complete[key] = value
	}
	return json.Marshal(complete)
}
