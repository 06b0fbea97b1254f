package code

var sources = section{title: "Sources"}

var (
	MissingPattern = sources.add("missing-pattern", ExitScript,
		"FROM FILES needs a pattern.")
	BadPattern = sources.add("bad-pattern", ExitScript,
		"The pattern can't be read: it has `*`, `?`, `[abc]`, `**` and `{name}`.")
	UnknownFormat = sources.add("unknown-format", ExitScript,
		"The file's ending doesn't say the format; add `format csv`, `json` or `parquet`.")
	UnknownType = sources.add("unknown-type", ExitScript,
		"A column's type is none of DuckDB's.")
	SourceType = sources.add("source-type", ExitScript,
		"A column's type, format or capture can't be read strictly; the message says which. Declare it VARCHAR and cast it in the "+
			"SELECT.")
	SourceColumn  = sources.like("source-column", ExitScript)
	SourceCapture = sources.like("source-capture", ExitFailed)
	SourceHeader  = sources.add("source-header", ExitFailed,
		"A CSV file's header can't be matched with the declared columns; the message says why. As a warning: the files before it "+
			"had headers, and this one has none that names a declared column; all its records are bad.")
	MissingColumn = sources.add("missing-column", ExitFailed,
		"A file's header or schema doesn't have a declared column; the name in it that is nearest is told. A warning by default "+
			"(the column reads NULL), an error with ON MISSING COLUMN FAIL.")
	NoHeader = sources.add("no-header", Warning,
		"A warning: the first file of a CSV source has no header that names a declared column, so its first record is data, and "+
			"columns go by position. `header true` or `header false` says which it is.")
	TitleLines = sources.add("title-lines", Warning,
		"A warning: lines above the header of a CSV file, whose columns were inferred, are passed over.")
	NoRecord = sources.add("no-record", Warning,
		"A warning: a CSV file has text and no record, because all of it counts as a header, comments or lines to skip. A quote in "+
			"the header that closes late does that.")
	SourceEncoding = sources.add("source-encoding", Warning,
		"A warning: a CSV file begins as UTF-16 or UTF-32 and is read as that. The option `encoding` says so itself.")
	BadPath = sources.add("bad-path", ExitScript,
		"The JSON path can't be read; write `$.name`, `$.a.b` or `$.list[0]`.")
	BadNumber = sources.add("bad-number", ExitScript,
		"An option's value is out of range, or not one character.")
	BadCharacter         = sources.like("bad-character", ExitScript)
	ContradictingOptions = sources.add("contradicting-options", ExitScript,
		"Two options or clauses exclude each other, or an option belongs to another format. Remove one.")
	NoEnv = sources.add("no-env", ExitScript,
		"`env()` names a variable that isn't set (exit code 4), or stands in an option of files, which are no secrets: write the "+
			"value itself.")
	NoKey = sources.add("no-key", ExitScript,
		"FROM KEY is for records that have a key; those of files have none.")
	NothingToInfer = sources.add("nothing-to-infer", ExitScript,
		"The source has no columns, and there is no file yet to infer them from.")
	NotInferred = sources.add("not-inferred", ExitFailed,
		"The source has no columns, and those of its first file can't be found; the message says why. Name them.")
	NoFiles = sources.add("no-files", Warning,
		"A warning: no file matches the pattern now. Those that come later are read by the next run.")
	ColumnsLater = sources.add("columns-later", Warning,
		"A warning, with ON SCHEMA CHANGE ADD COLUMNS: a file with a new column came during the run. It, and the files behind it "+
			"by name, wait for the next run.")
	FileChanged = sources.add("file-changed", ExitFailed,
		"A file differs from what was read of it. As a warning: it is not read again. As an error: a part of it had been read, and "+
			"it doesn't begin with that any more.")
	FileCopied = sources.add("file-copied", Warning,
		"A warning: a file has the content of one that was taken before under another name (it was renamed, or is a copy). Its "+
			"records are taken again: a file is known by its path.")
	FileGrowing = sources.add("file-growing", ExitFailed,
		"A file changed while it was read. Nothing of that batch was written; the file is taken by the next run. Writers should "+
			"rename a file into place when it is whole.")
	FileUnfinished = sources.add("file-unfinished", Warning,
		"A warning: a file was changed a moment ago and ends in a line (a JSON record, an array) without its end, which may still "+
			"come. What is before it is taken; see [files that are still being written](sources.md#files-that-are-still-being-written).")
	FileYoung = sources.add("file-young", Warning,
		"A warning: files changed less than `min_age` ago. A run from the time on that it names takes them.")
	FileAside = sources.add("file-aside", ExitUnreachable,
		"A file that couldn't be read in an earlier run is as it was then (exit code 4). It is tried again when it has changed; "+
			"`dsql.files` has it with its error.")
	AllBad = sources.add("all-bad", ExitGate,
		"No record of a file is good: the declaration may be wrong. A warning; with ON BAD FILE FAIL an error (exit code 3).")
	BadRecord = sources.add("bad-record", ExitFailed,
		"With ON BAD RECORD FAIL, a record that can't be read without loss stops the run. In `dsql.rejects` the reasons of such "+
			"records begin with `bad_record`.")
	SchemaChange = sources.add("schema-change", ExitFailed,
		"With ON SCHEMA CHANGE FAIL, a file has fields that the source doesn't declare.")
	Unreadable = sources.add("unreadable", ExitUnreachable,
		"A file can't be read, or not as its format (exit code 4). With ON BAD FILE SKIP it is set aside and those behind it are "+
			"taken; with FAIL the run stops there.")
)
