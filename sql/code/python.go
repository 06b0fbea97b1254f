package code

var python = section{title: "Functions in Python"}

var (
	Function = python.add("function", ExitFailed,
		"A Python function failed, gave what its RETURNS isn't, or can't be loaded; nothing of the batch was written (exit code "+
			"1). The place is the line of the user's code where there is one, and the hint has Python's traceback.")
	FunctionType = python.add("function-type", ExitScript,
		"A Python function can't take or give values of that type.")
	FunctionFile = python.add("function-file", ExitScript,
		"FROM names no file of Python, or one that can't be read.")
	FunctionOption = python.add("function-option", ExitScript,
		"An option of a Python function has a value that it can't have.")
	FunctionReject = python.add("function-reject", ExitScript,
		"A function with ON ERROR REJECT is called where the row that it fails for can't be told: in METRICS and CHECKS, and in a query whose "+
			"new rows aren't in sight of the call.")
	NoPython = python.add("no-python", ExitUnreachable,
		"There is no Python interpreter where one was named or looked for, or it has no pyarrow; the hint has the command that "+
			"installs it (exit code 4).")
)
