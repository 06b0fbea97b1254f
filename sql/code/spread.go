package code

var spread = section{title: "Work in several processes"}

var (
	NotSpread = spread.add("not-spread", ExitScript,
		"A declaration can't be done a piece of the rows at a time by processes that know nothing of each other: its query looks at many rows, "+
			"reads another relation whole, or keeps something of rows of any key (exit code 2). Leave it out (`dsql explain --select`), or run it on "+
			"one machine.")
	WrongShare = spread.add("wrong-share", ExitUsage,
		"A file has a share of what a script's sources have, and something else was meant: another share, all of them, or a source of which it has "+
			"taken what is another share's now (exit code 80). Each share keeps its file, and their number, for good; `dsql merge` makes one file of them.")
	NotMerged = spread.add("not-merged", ExitFailed,
		"The files of shares can't become one as they are: one is missing or was killed, is behind, has something that waits for a decision, or was "+
			"declared otherwise. Nothing is made; mend what the message says, and merge again.")
	BadPlan = spread.add("bad-plan", ExitUsage,
		"The plan of `dsql worker` can't be read, is of another form than this dsql knows, or what it names is another one here: the file of a "+
			"model (exit code 80). Make it with `dsql explain SCRIPT -o json`, of the same version.")
	BadTask = spread.add("bad-task", ExitUsage,
		"A task can't be taken: its header says something that isn't there or fits nothing, or the bytes on standard input are none of the "+
			"protocol (exit code 80). docs/worker.md has it.")
)
