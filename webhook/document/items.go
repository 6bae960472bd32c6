package document

import (
	"encoding/json"
	"errors"
	"strings"
)

var errNotAList = errors.New("the items of a List must be a list of objects")

// Items returns the objects of a document: the document itself, or what a List holds, Lists within Lists included. The items
// of a typed list, such as a PodList, need not name their kind, and get it from the list.
//
// As kubectl sees it, an object is a list by having items: a kind whose name merely ends like that is none.
func Items(d Document) ([]json.RawMessage, error) { return items(d.JSON) }

func items(raw json.RawMessage) ([]json.RawMessage, error) {
	var list struct {
		APIVersion string          `json:"apiVersion"`
		Kind       string          `json:"kind"`
		Items      json.RawMessage `json:"items"`
	}
	// What is no object at all is left for the reader of objects to complain of.
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
		named, err := withKind(element, list.APIVersion, kind)
		if err != nil {
			return nil, err
		}
		within, err := items(named)
		if err != nil {
			return nil, err
		}
		all = append(all, within...)
	}
	return all, nil
}

// withKind adds what the API server leaves out in the items of a typed list.
func withKind(item json.RawMessage, apiVersion, kind string) (json.RawMessage, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(item, &object); err != nil || object == nil {
		return nil, errNotAList
	}
	if _, named := object["kind"]; named || kind == "" {
		return item, nil
	}
	named := map[string]any{"apiVersion": apiVersion, "kind": kind}
	for key, value := range object {
		named[key] = value
	}
	return json.Marshal(named)
}
