// Package stored is a version of a model as a dsql file keeps it, made callable: the names of its functions, what they take and give, how
// its file is loaded, and what becomes of a vector of rows. It knows neither SQL nor DuckDB: the functions of a process that DuckDB is
// linked into, and those of an extension that DuckDB loads, are these.
package stored

import (
	"crypto/sha256"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"dsql/models/lightgbm"
	"dsql/models/model"
)

// Input is an argument.
type Input struct {
	Name string `json:"name"`
	Type string `json:"type"` // as DuckDB writes it
}

// Options are what makes a version, beside the file: the same file with another output is another version.
type Options struct {
	Output string  `json:"output"`
	Inputs []Input `json:"inputs,omitempty"` // as they were declared
	// Missing is a number that stands for a missing value, beside NULL and NaN.
	Missing *float64 `json:"missing,omitempty"`
	Library
}

// Library is where a declaration says that onnxruntime is found. The zero value: nowhere.
type Library struct {
	Path     string `json:"onnxruntime,omitempty"`
	Variable string `json:"onnxruntime_env,omitempty"` // what env('NAME') reads is not stored
}

// RuntimeVariable names onnxruntime's shared library for all ONNX models whose declaration doesn't name one.
const RuntimeVariable = "DSQL_ONNXRUNTIME"

// For is the path to hand to Load, "" for dsql's own way. onnxruntime gives a graph's outputs and no scores before them, so that raw
// ones need a path that is asked for to be refused.
func (l Library) For(o model.Output) string {
	switch {
	case l.Variable != "":
		return os.Getenv(l.Variable)
	case l.Path != "":
		return l.Path
	case o == model.Raw || o == model.Contrib || o == model.Leaf:
		return ""
	}
	return os.Getenv(RuntimeVariable)
}

// Marked are the arguments that INPUT calls categories; nil: none.
func Marked(declared []Input) []bool {
	out := make([]bool, len(declared))
	for i, in := range declared {
		out[i] = strings.EqualFold(in.Type, lightgbm.Category)
	}
	if !slices.Contains(out, true) {
		return nil
	}
	return out
}

// Function is a version as SQL calls it: one function for what it was declared to give, and one for the reasons of it. A name always means
// the same, since DuckDB can't drop a function: it has the hash of what is called.
type Function struct {
	Name    string
	Version int
	Hash    string // of the model's file
	Key     string // of what scores it: its hash, where Python does so of that and of how
	Inputs  []Input
	Returns string
	Output  model.Output
	Missing *float64
	Load    func() (*model.Model, error) // for Output
	Explain func() (*model.Model, error) // to tell what inputs add
}

// PythonKey is the Key of a model that Python scores; how is its options as they are stored.
func PythonKey(hash string, how []byte) string {
	return fmt.Sprintf("%x", sha256.Sum256(slices.Concat([]byte(hash), how)))
}

// Native is the function's name: macros of the model's name call it.
func (f *Function) Native() string {
	return fmt.Sprintf("dsql_model_%s_%d_%.12s_%s", f.Name, f.Version, f.Key, f.Output) + f.missing()
}

// NativeReasons is the name of the one that gives reasons.
func (f *Function) NativeReasons() string {
	return fmt.Sprintf("dsql_model_%s_%d_%.12s_reasons", f.Name, f.Version, f.Hash) + f.missing()
}

// missing tells functions of the same file apart for which other numbers are missing.
func (f *Function) missing() string {
	if f.Missing == nil {
		return ""
	}
	return "_missing_" + strconv.FormatFloat(*f.Missing, 'g', -1, 64)
}

// SameMissing: the same number is missing, or none.
func (o Options) SameMissing(other Options) bool {
	return (o.Missing == nil) == (other.Missing == nil) && (o.Missing == nil || *o.Missing == *other.Missing)
}
