package code

var files = section{title: "Files and folders (exit code 4)"}

var (
	NoFile = files.add("no-file", ExitUnreachable,
		"A file isn't there.")
	BadName = files.add("bad-name", ExitUnreachable,
		"The name of a file is not UTF-8, so it can't be kept in a table. Rename the file.")
	TraceUnwritable = files.add("trace-unwritable", ExitUnreachable,
		"`--trace FILE` can't be written there, or a file that is no trace has this name: it stays as it is. Name another one.")
	NoRights = files.add("no-rights", ExitUnreachable,
		"No right to read or write there.")
	BadFileName = files.add("bad-file-name", ExitUnreachable,
		"The DuckDB file has a name that DuckDB or dsql can't work with; the message says why.")
	NoFolder = files.add("no-folder", ExitUnreachable,
		"The folder of `--db` isn't there.")
	NotADatabase = files.add("not-a-database", ExitUnreachable,
		"The file is no DuckDB file; it is left as it is.")
	FileLocked = files.add("file-locked", ExitUnreachable,
		"Another process has the file open; the message says which.")
	NewerFile = files.add("newer-file", ExitFailed,
		"The file was written by a newer dsql.")
	FileExists = files.add("file-exists", ExitFailed,
		"`dsql init` doesn't overwrite a file that differs.")
	NotASnapshot = files.add("not-a-snapshot", ExitUsage,
		"What `--snapshot` names is there, and is no copy that `--snapshot` made: it is not written over (exit code 80).")
	NoExtension = files.add("no-extension", ExitFailed,
		"This build of dsql has no extension for DuckDB in it, which `make extension` compiles (exit code 1).")
	ExtensionName = files.add("extension-name", ExitUsage,
		"The file of the extension must be called `dsql.duckdb_extension`: DuckDB looks for a function of its name (exit code 80).")
	NoSnapshot = files.add("no-snapshot", ExitUnreachable,
		"The copy that `--snapshot` asks for can't be written.")
)

var topics = section{title: "Topics and connections"}

var (
	BrokerUnreachable = topics.add("broker-unreachable", ExitUnreachable,
		"The brokers don't answer, or refuse the connection; the message says why (exit code 4). Where they send clients to "+
			"another address (`advertised.listeners`), it names that one; of several brokers the one that is away; of a topic the "+
			"partitions that no broker leads, with the numbers of their brokers. While a run follows this is a warning: it waits.")
	BrokerBack = topics.add("broker-back", Warning,
		"They answer again.")
	LoginRefused = topics.add("login-refused", ExitUnreachable,
		"The brokers refuse the login. Check sasl_mechanism, sasl_username and sasl_password.")
	NotAuthorised = topics.add("not-authorised", ExitUnreachable,
		"The login may not read or write the topic, or join the group; the message says who it is, and the hint how the right is "+
			"given. Brokers answer so, too, where a topic that the login may not see isn't there.")
	BadCertificate = topics.add("bad-certificate", ExitUnreachable,
		"A certificate is signed by an unknown authority, is for another host, or its file holds none.")
	UnreadableFile = topics.add("unreadable-file", ExitUnreachable,
		"A file that the connection names can't be read.")
	UnknownTopic = topics.add("unknown-topic", ExitUnreachable,
		"There is no such topic, or none matches. dsql creates none.")
	UnknownConnection = topics.add("unknown-connection", ExitScript,
		"No CREATE CONNECTION has this name.")
	BadConnection = topics.add("bad-connection", ExitUnreachable,
		"The options of a connection don't make a client; the message says why.")
	NoBrokers = topics.add("no-brokers", ExitScript,
		"A connection names no brokers.")
	NoRegistry = topics.add("no-registry", ExitScript,
		"Avro, Protobuf and JSON Schema need a schema registry, which the connection names: `schema_registry 'http://host:8081'`.")
	RegistryUnreachable = topics.add("registry-unreachable", ExitUnreachable,
		"The schema registry doesn't answer. Nothing of the batch is written; run it again when it does.")
	RegistryRefuses = topics.add("registry-refuses", ExitUnreachable,
		"The schema registry answers with an error: a login that it doesn't take, or one of its own.")
	NotStored = topics.add("not-stored", ExitUnreachable,
		"A password is not kept in the file: run the script that declares the connection, or write `env('NAME')`.")
	MissingOption = topics.add("missing-option", ExitScript,
		"An option needs another one beside it, or a value.")
	MissingValue = topics.like("missing-value", ExitScript)
	BadDuration  = topics.add("bad-duration", ExitScript,
		"No time or duration that dsql reads; the hint shows one.")
	BadTime    = topics.like("bad-time", ExitScript)
	RawColumns = topics.add("raw-columns", ExitScript,
		"`format raw` gives one column, beside those FROM KEY.")
	NoGrowth = topics.add("no-growth", ExitScript,
		"`ON SCHEMA CHANGE ADD COLUMNS` with `format csv` or `format raw`: such values don't name their fields.")
	TooManyColumns = topics.add("too-many-columns", ExitFailed,
		"With ON SCHEMA CHANGE ADD COLUMNS a topic brings more new fields than a thousand columns take. Nothing of the batch is "+
			"written.")
	TruncateDropped = topics.add("truncate-dropped", Warning,
		"A topic of Debezium's events had a TRUNCATE, which says that all rows of the table are gone. A stream keeps its rows and "+
			"makes none of it (a warning). A journal FROM the source itself ends its keys there.")
	BadBatch = topics.add("bad-batch", ExitFailed,
		"A batch of a topic can't be read, tried several times: its checksum is wrong, it doesn't unpack, or unpacks to more than "+
			"1 GiB. `on_bad_batch` decides: fail (default) takes what stands before it and in other partitions, then ends (exit code "+
			"1); skip is a warning, goes on behind it, and dsql.gaps notes what is missing.")
	PartitionStuck = topics.add("partition-stuck", ExitUnreachable,
		"A partition has more and doesn't move: the brokers give none of it, or an error each time, which the message shows. A run "+
			"takes the other partitions and ends (exit code 4); while one follows this is a warning.")
	OffsetLoss = topics.add("offset-loss", ExitFailed,
		"Records that were not read are gone: retention, a topic that was created anew, a broker that lost its end. "+
			"`on_offset_loss` decides (fail: exit code 1); dsql.gaps notes what is missing.")
	ReplayLoads = topics.add("replay-loads", ExitFailed,
		"The files of a snapshot source are loads of a whole table, which neither REPLAY SOURCE nor REPLAY REJECTS can send again "+
			"in part; `REBUILD JOURNAL name FROM SOURCE` takes them anew.")
)

var sinks = section{title: "Sinks"}

var (
	SinkSource = sinks.add("sink-source", ExitScript,
		"A sink writes what is stored: it reads a stream or a journal, and the name is a source's. Store it first.")
	MissingFolder = sinks.add("missing-folder", ExitScript,
		"INTO FILES begins with a folder of this machine.")
	BadFolder     = sinks.like("bad-folder", ExitScript)
	NoParquetType = sinks.add("no-parquet-type", ExitScript,
		"Parquet has no whole numbers of 128 bits (HUGEINT, which `sum` of integers gives): DuckDB would write doubles, which lose "+
			"digits. Cast the column in the stream.")
	FolderInUse = sinks.add("folder-in-use", ExitFailed,
		"The folder holds files of versions that this sink did not write (exit code 1). Two writers would replace each other's "+
			"files: name another folder, or empty this one.")
	UnwritableFolder = sinks.add("unwritable-folder", ExitUnreachable,
		"The folder, or its disk, takes no files (exit code 4). What is committed stays; the next run goes on from there.")
	RestoredCopy = sinks.add("restored-copy", ExitFailed,
		"The file is a copy that `--snapshot` made, and this is the first run on it: it is a file of its own from now on, and its "+
			"sinks stop (exit code 1, all else goes on) until RESUME SINK, because what stands outside was written by the file that it "+
			"is a copy of.")
	SinkRejects = sinks.add("sink-rejects", Warning,
		"A sink with ON ROW ERROR REJECT could not write rows: they stand in dsql.rejects.")
	NoUpsert = sinks.add("no-upsert", ExitScript,
		"mode upsert needs a journal or a rollup, and `key` its keys.")
	BadRoll = sinks.add("bad-roll", ExitScript,
		"`roll` says when versions that wait become files: (rows n, bytes n, interval '10 minutes'), or one or two of them.")
	NoTime = sinks.add("no-time", ExitScript,
		"`timestamp` names the column that is a record's time: a TIMESTAMP of any kind, or a DATE.")
	NoSchema = sinks.add("no-schema", ExitScript,
		"The columns of a sink make no schema: a name that the format doesn't take, or a record without one.")
	SchemaRefused = sinks.add("schema-refused", ExitFailed,
		"The schema registry doesn't take a sink's schema: it is not compatible with the subject's others, or with `register false` it "+
			"isn't there (exit code 1). Nothing is written to the topic; what is committed stays, and the next run goes on from there.")
	SinkStuck = sinks.add("sink-stuck", ExitUnreachable,
		"The brokers don't take records: too few replicas are in sync, say (exit code 4). While a run follows this is a warning: "+
			"it waits.")
	RecordTooLarge = sinks.add("record-too-large", ExitFailed,
		"The topic does not take a record, which the message names by its id (exit code 1). What is committed stays, and so does "+
			"the sink's place: mend it, and the next run goes on from there.")
	RecordRefused = sinks.like("record-refused", ExitFailed)
)

var others = section{title: "Others"}

var (
	DuckDBParser = others.add("duckdb-parser", ExitScript,
		"DuckDB found the error in the script; the message is DuckDB's.")
	DuckDBBinder         = others.like("duckdb-binder", ExitScript)
	DuckDBCatalog        = others.like("duckdb-catalog", ExitScript)
	DuckDBNotImplemented = others.like("duckdb-not-implemented", ExitScript)
	DuckDB               = others.add("duckdb", ExitFailed,
		"DuckDB found an error at run time (exit code 1). Other codes that begin with `duckdb-` name the kind: "+
			"`duckdb-conversion`, `duckdb-io`, `duckdb-constraint` …")
	Bug = others.add("bug", ExitFailed,
		"dsql itself went wrong (exit code 1): please report it with the script and what it printed. What was committed before "+
			"stays, all else is rolled back.")
	DiskFull = others.add("disk-full", ExitFailed,
		"The disk of the file has no room left (exit code 1). What was committed before stays whole; make room, and the next run "+
			"goes on behind it.")
	BadTarget = others.add("bad-target", ExitUsage,
		"`dsql inspect` takes files or `kafka://broker:port/topic`.")
	NothingToFollow = others.add("nothing-to-follow", Warning,
		"`--follow` has nothing to follow: no destination reads a source.")
	QueryWrites = others.add("query-writes", ExitScript,
		"`dsql query` reads only.")
	NotDsql = others.add("not-dsql", ExitFailed,
		"The file has no tables of dsql.")
	BadKey = others.add("bad-key", ExitUsage,
		"`dsql history` needs a value for each of the journal's keys.")
	Usage = others.add("usage", ExitUsage,
		"The command line is wrong (exit code 80); the message says where.")
	Interrupted = others.add("interrupted", ExitInterrupted,
		"Ctrl-C or SIGTERM ended the command (exit code 130); what was not committed is rolled back.")
	NoDB = others.add("no-db", ExitUsage,
		"Which DuckDB file? Add `--db FILE`.")
	Fault = others.add("fault", ExitFailed,
		"A test asked for this error.")
	Failed = others.add("failed", ExitFailed,
		"Something that has no better code; the message says what.")
)
