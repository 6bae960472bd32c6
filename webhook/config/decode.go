package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// decoder fills the types of this package from a parsed document. Unlike encoding/json it goes on after a mistake, takes
// no key in another case, and knows the path to what it complains of.
type decoder struct {
	source   []byte
	problems field.ErrorList
	// mistyped is set when some value did not fit: what the document means is then not known in full.
	mistyped bool
}

// decode sets target from value, which is at path.
func (d *decoder) decode(value any, target reflect.Value, path *field.Path) {
	fits := false
	switch value := value.(type) {
	case map[string]any:
		fits = d.decodeMapping(value, target, path)
	case []any:
		fits = d.decodeList(value, target, path)
	case string:
		fits = setString(value, target)
	case json.Number:
		fits = setNumber(value.String(), target)
	case bool:
		if fits = target.Kind() == reflect.Bool; fits {
			target.SetBool(value)
		}
	}
	if !fits {
		d.mistyped = true
		d.problems = append(d.problems, field.TypeInvalid(path, value, "must be "+wanted(target)))
	}
}

// decodeMapping reports whether target takes keys.
func (d *decoder) decodeMapping(values map[string]any, target reflect.Value, path *field.Path) bool {
	fill := d.decodeField
	switch {
	case target.Kind() == reflect.Map:
		fill = d.decodeEntry
	case target.Kind() != reflect.Struct || isDuration(target):
		return false
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		fill(keyed{key, values[key]}, target, path)
	}
	return true
}

// keyed is one line of a mapping.
type keyed struct {
	key   string
	value any
}

// decodeEntry sets one entry of a map.
func (d *decoder) decodeEntry(entry keyed, target reflect.Value, path *field.Path) {
	element := reflect.New(target.Type().Elem()).Elem()
	d.decode(entry.value, element, path.Key(entry.key))
	target.SetMapIndex(reflect.ValueOf(entry.key).Convert(target.Type().Key()), element)
}

// decodeField sets one field of a struct. A key without a value counts as left out.
func (d *decoder) decodeField(entry keyed, target reflect.Value, path *field.Path) {
	path = path.Child(entry.key)
	for i := range target.NumField() {
		if target.Type().Field(i).Tag.Get("json") != entry.key {
			continue
		}
		if entry.value != nil {
			d.decode(entry.value, target.Field(i), path)
		}
		return
	}
	d.problems = append(d.problems, field.Forbidden(path, "unknown key"+d.place(entry.key)+": remove it or correct its name"))
}

// decodeList reports whether target takes items. They replace those of the default.
func (d *decoder) decodeList(values []any, target reflect.Value, path *field.Path) bool {
	if target.Kind() != reflect.Slice {
		return false
	}
	target.Set(reflect.MakeSlice(target.Type(), len(values), len(values)))
	for i, value := range values {
		d.decode(value, target.Index(i), path.Index(i))
	}
	return true
}

// place tells the line of a key, where no other key of that name could be meant.
func (d *decoder) place(key string) string {
	written := regexp.MustCompile(`(?m)(^|[\s{,"'])` + regexp.QuoteMeta(key) + `["']?\s*:`)
	found := written.FindAllIndex(d.source, -1)
	if len(found) != 1 {
		return ""
	}
	colon := found[0][1]
	return fmt.Sprintf(" (line %d)", 1+strings.Count(string(d.source[:colon]), "\n"))
}

func setString(value string, target reflect.Value) bool {
	if isDuration(target) {
		duration, err := time.ParseDuration(value)
		target.Set(reflect.ValueOf(metav1.Duration{Duration: duration}))
		return err == nil
	}
	if target.Kind() != reflect.String {
		return false
	}
	target.SetString(value)
	return true
}

func setNumber(value string, target reflect.Value) bool {
	switch {
	case target.CanInt():
		whole, err := strconv.ParseInt(value, 10, target.Type().Bits())
		target.SetInt(whole)
		return err == nil
	case target.CanFloat():
		number, err := strconv.ParseFloat(value, target.Type().Bits())
		target.SetFloat(number)
		return err == nil
	}
	return false
}

func isDuration(target reflect.Value) bool {
	return target.Type() == reflect.TypeFor[metav1.Duration]()
}

// wanted names what target takes, for the person who wrote something else.
func wanted(target reflect.Value) string {
	switch {
	case isDuration(target):
		return `a duration such as "50ms" or "1m30s"`
	case target.Kind() == reflect.Bool:
		return "true or false"
	case target.Kind() == reflect.String:
		return "text: put it in quotes"
	case target.Kind() == reflect.Slice:
		return "a list"
	case target.CanInt():
		return "a whole number"
	case target.CanFloat():
		return "a number"
	}
	return "a mapping of keys to values"
}
