// Package report puts findings into words: the one line of a denial or a warning, and the reports of the command line.
//
// Think of a finding as a sentence with fixed parts: where the image is used, the image, what becomes of it, the cause,
// and what to do. [Line] says all of it. [Warning] says as much as fits where space is short. The formats lay the same
// parts out for machines ([WriteJSON], [WriteYAML]) or for a terminal ([WriteTable]).
//
// Names and images come from whoever wrote the object, so that nothing of theirs is printed unescaped.
package report
