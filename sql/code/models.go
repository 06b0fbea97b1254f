package code

var models = section{title: "Models and experiments"}

var (
	BadModel = models.add("bad-model", ExitScript,
		"The file is no model that dsql reads (or, with a FORMAT that Python scores, none that it loads), or is damaged; the message "+
			"says where.")
	ModelInputs = models.add("model-inputs", ExitScript,
		"INPUT doesn't fit what the model takes, in its order.")
	ModelValue = models.add("model-value", ExitFailed,
		"A row has a value that the model's own library refuses, by an exception: an infinite one, a missing one where the model knows none, a "+
			"category that it wasn't trained with. Nothing of the batch was written (exit code 1).")
	ModelOutput = models.add("model-output", ExitScript,
		"The model has no such output.")
	ModelRequirements = models.add("model-requirements", Warning,
		"What the folder of a model pins, or its pickle tells, differs from the packages of the interpreter that scores it. Results may "+
			"differ from those of the machine that it was made on.")
	ModelFormat = models.add("model-format", ExitScript,
		"The file is of another format than FORMAT says, or of one that onnxruntime doesn't run.")
	NoONNXRuntime = models.add("no-onnxruntime", ExitUnreachable,
		"onnxruntime can't be loaded from the path that the option or DSQL_ONNXRUNTIME gives, is older than 1.24, or another one "+
			"is in use already (exit code 4).")
	UnknownVersion = models.add("unknown-version", ExitScript,
		"The model has no version of that number.")
	BadWeight = models.add("bad-weight", ExitScript,
		"A variant's weight is a number from 0 on, and one must be above 0.")
)

var monitors = section{title: "Monitors and alerts"}

var (
	BadAlert = monitors.add("bad-alert", ExitScript,
		"An alert is on a check, a metric with a limit, the lag of a topic, or a source without data; see [alerts](alerts.md).")
	AlertUnsent = monitors.add("alert-unsent", Warning,
		"A warning: the receiver of an alert did not take it. It waits in dsql.alerts, and the next run tries again.")
	MonitorGroups = monitors.add("monitor-groups", ExitScript,
		"A version has more groups than a monitor measures one by one (200). Name columns with fewer values in BY.")
	AmbiguousOutcome = monitors.add("ambiguous-outcome", ExitScript,
		"ACTUALS of a monitor gives several outcomes of one key, and they are not alike: let it give one row of each.")
)
