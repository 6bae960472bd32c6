// Package config is the configuration file: its keys, their defaults, and what is wrong with it.
//
// Think of a file as a list of differences from [Default]: every key is optional, and a key that is left out, or left
// empty, keeps its default. What is written must be understood in full, though. [Load] refuses unknown and repeated
// keys, wrong types and values out of range, and names every mistake with its place at once, so that one round of
// corrections is enough. A Configuration that Load returned needs no further checks by those who read it.
package config
