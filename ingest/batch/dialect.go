package batch

// Opening is how a CSV file began: what its records can't be read without.
type Opening struct {
	Header *string `json:"header,omitempty"` // nil: its first record is no header
	Delim  string  `json:"delim"`
	// Surplus: behind the last field of each record stands one more delimiter.
	Surplus bool `json:"surplus,omitempty"`
	// Refused: the header named none of the columns then declared, so that no record was good; it stands among them.
	Refused bool `json:"refused,omitempty"`
}

func (o *Opening) Equal(p *Opening) bool {
	if o == nil || p == nil {
		return o == p
	}
	return o.Delim == p.Delim && o.Surplus == p.Surplus && o.Refused == p.Refused && (o.Header == nil) == (p.Header == nil) &&
		(o.Header == nil || *o.Header == *p.Header)
}

// Header says whether a CSV file's first record names its columns.
type Header uint8

// HeaderAuto takes the first record for a header when one of its fields is the name of a declared column.
const (
	HeaderAuto Header = iota
	HeaderYes
	HeaderNo
)

// Dialect is how a format is written. The zero value of each field is DuckDB's default.
type Dialect struct {
	Format *Format
	Topics *Topics // nil: files

	// CSV
	Header           Header
	Seen             Header   // with HeaderAuto: whether the files before had headers; HeaderAuto: there was none before
	Found            *Found   // what the first file of a source was found to be whose columns were inferred
	Names            []string // what the fields are called, instead of their names in the header
	Normalize        bool     // names of headers become lower case, digits and _
	NotNull          []string // columns that NullStr isn't NULL in
	Encoding         string   // "": UTF-8
	Thousands        byte     // between the thousands of numbers; 0: nothing
	Delim            string   // "": found out for each file among , ; | and tab
	Quote            byte     // default "
	NoQuote          bool     // quotes mean nothing
	Escape           byte     // default: the quote, doubled
	NullStr          []string // with NullSet: the texts that are NULL, instead of the empty field
	NullSet          bool
	NoQuotedNull     bool     // allow_quoted_nulls false: a quoted text is never NULL
	NullPadding      bool     // a record with too few fields has NULL for the others
	Skip             int      // lines before the header or first record
	Began            *Opening // of records that are decoded anew: how their file began
	Comment          byte     // lines that begin with it are skipped, others end there
	DecimalSeparator byte     // default .

	// Both
	DateFormat, TimestampFormat string // strptime patterns for columns without a FORMAT of their own
}

// Found is what DuckDB's sniffer found of a CSV file, beside its columns. It is kept for the source in dsql.dialects.
type Found struct {
	Header  Header
	Skip    int    // lines above the header or first record
	Delim   string // "": none was needed
	Quote   string
	Escape  string
	Comment string
	NoQuote bool // quotes are text: what DuckDB took the file for, where nothing is read otherwise
}
