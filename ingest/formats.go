package ingest

import (
	"slices"
	"strings"
)

// formats are all that sources read.
var formats = []*Format{
	&csvFormat,
	&jsonFormat,
	&parquetFormat,
	&rawFormat,
	&avroFormat,
	&protoFormat,
	&debeziumFormat,
}

// formatNamed is the format of a name.
func formatNamed(name string) *Format {
	i := slices.IndexFunc(formats, func(f *Format) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return formats[i]
}

// byEnding is the format that a file's name tells, nil if none.
func byEnding(name string) *Format {
	name = strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(name), ".gz"), ".zst")
	for _, f := range formats {
		if slices.ContainsFunc(f.Endings, func(end string) bool { return strings.HasSuffix(name, end) }) {
			return f
		}
	}
	return nil
}

// ofFiles are the names of the formats of files, ofTopics of those of records.
func ofFiles(f *Format) bool  { return f.Endings != nil }
func ofTopics(f *Format) bool { return f.Values != nil }

func formatNames(which func(*Format) bool) (names []string) {
	for _, f := range formats {
		if which(f) {
			names = append(names, f.Name)
		}
	}
	return names
}

// formatDoc lists formats for the reference.
func formatDoc(which func(*Format) bool) string {
	var out []string
	for _, f := range formats {
		if !which(f) {
			continue
		}
		if out = append(out, f.Name); f.Doc != "" {
			out[len(out)-1] += " (" + f.Doc + ")"
		}
	}
	last := len(out) - 1
	return strings.Join(out[:last], ", ") + " or " + out[last]
}
