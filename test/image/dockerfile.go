package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// scratch is the name of the base without files.
const scratch = "scratch"

// stage is the last stage of a Dockerfile.
type stage struct {
	base   string
	files  []copied
	config v1.Config
}

// copied is a file with its path in the build stage and its path in the image.
type copied struct{ from, to string }

// instruction is one line of a Dockerfile, with its continuation lines.
type instruction struct {
	line       int
	name, rest string
}

// parse returns the last stage. An unsupported instruction is an error, because tests of an image that differs from the
// Dockerfile would prove nothing.
func parse(text string, args map[string]string) (stage, error) {
	all := instructions(text)
	last := len(all) - 1
	for last >= 0 && all[last].name != "FROM" {
		last--
	}
	if last < 0 {
		return stage{}, errors.New(" FROM is missing")
	}
	s := stage{base: all[last].rest}
	for _, i := range all[last+1:] {
		if err := s.apply(i, args); err != nil {
			return stage{}, fmt.Errorf("%d: %s: %w", i.line, i.name, err)
		}
	}
	return s, nil
}

// instructions splits the text into instructions, without comments and empty lines.
func instructions(text string) []instruction {
	var all []instruction
	var joined string
	start := 0
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if joined == "" {
			start = n + 1
		}
		head, continues := strings.CutSuffix(line, `\`)
		joined += head
		if continues {
			continue
		}
		name, rest, _ := strings.Cut(joined, " ")
		all = append(all, instruction{line: start, name: strings.ToUpper(name), rest: strings.TrimSpace(rest)})
		joined = ""
	}
	return all
}

var (
	errUnsupported = errors.New("unsupported instruction")
	errForm        = errors.New("unsupported form")
)

// apply applies one instruction to the stage.
func (s *stage) apply(i instruction, args map[string]string) (err error) {
	switch i.name {
	case "ARG":
		// The caller passes the values.
	case "LABEL":
		s.config.Labels, err = labels(i.rest, args)
	case "COPY":
		err = s.copy(i.rest)
	case "USER":
		s.config.User = i.rest
	case "ENTRYPOINT":
		s.config.Entrypoint, err = words(i.rest)
	case "CMD":
		s.config.Cmd, err = words(i.rest)
	default:
		err = errUnsupported
	}
	return err
}

// copy adds a file that another stage built.
func (s *stage) copy(rest string) error {
	fields := strings.Fields(rest)
	if len(fields) != 3 || !strings.HasPrefix(fields[0], "--from=") || !strings.HasPrefix(fields[2], "/") {
		return errForm
	}
	s.files = append(s.files, copied{from: fields[1], to: fields[2]})
	return nil
}

// label matches key="value".
var label = regexp.MustCompile(`^([a-z.]+)="([^"]*)"\s*`)

// labels returns the labels of an instruction, with the arguments expanded.
func labels(rest string, args map[string]string) (map[string]string, error) {
	all := map[string]string{}
	for rest != "" {
		match := label.FindStringSubmatch(rest)
		if match == nil {
			return nil, errForm
		}
		all[match[1]] = os.Expand(match[2], func(name string) string { return args[name] })
		rest = rest[len(match[0]):]
	}
	return all, nil
}

// words parses the exec form, which is a JSON list.
func words(rest string) (list []string, err error) {
	if json.Unmarshal([]byte(rest), &list) != nil {
		return nil, errForm
	}
	return list, nil
}
