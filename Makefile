# dsql: `make demo` runs the main job on real flights, `make test` passes the tests. Both do all the set-up they need but Go and a
# C compiler. Everything else is listed by `make help`.
SHELL := /bin/bash
GO ?= go
BIN := bin/dsql
DEMO := demo-run
# Packages with goroutines or raw memory, for the race detector.
RACE := ./engine/... ./ingest/... ./models/... ./pipeline/... ./serve/... ./sinks
# Packages that write vectors; INVARIANTS=./... for all, which is too much for each change.
INVARIANTS := ./engine/... ./ingest/batch ./ingest/format/...
# A number of inputs, not a time: with a time go test fails now and then at its end, without an input that fails (golang/go#75804).
# Inputs of a fuzz target: what people's editors and texts meet gets more of them than decoders, whose inputs take longer.
FUZZTIME ?= $(if $(filter lsp sqlfmt sql,$(PKG)),4000x,1500x)

.PHONY: help tools build demo test cover ci fmt tidy vuln vet lint exprs invariants race fuzz crash torture torture-ci clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

tools:
	@command -v $(GO) >/dev/null || { echo "Go is missing: install Go 1.26 or newer (https://go.dev/dl, or your package manager's 'golang')."; exit 1; }
	@command -v $${CC:-cc} >/dev/null || command -v gcc >/dev/null || { echo "A C compiler is missing: install gcc or clang (Debian: apt-get install gcc; macOS: xcode-select --install)."; exit 1; }

build: tools ## build bin/dsql
	@CGO_ENABLED=1 $(GO) build -trimpath -ldflags="-s -w" -o $(BIN) ./cmd/dsql

.PHONY: extension test-extension test-extension-all
# The command is linked behind it with the file in it, compressed; bin/dsql of `make build` has none.
extension: tools ## bin/dsql.duckdb_extension, by which any DuckDB calls models, and bin/dsql with it
	@CGO_ENABLED=1 $(GO) build -buildmode=c-shared -trimpath -ldflags="-s -w" -o bin/extension/dsql.so ./extension
	@$(GO) run ./extension/pack -version $$(cat cmd/dsql/VERSION) -embed extension/file/dsql.duckdb_extension.gz \
	  bin/extension/dsql.so bin/dsql.duckdb_extension
	@CGO_ENABLED=1 $(GO) build -trimpath -tags extension -ldflags="-s -w" -o $(BIN) ./cmd/dsql

test-extension: extension venv-python ## the extension in this DuckDB's own version: every score is what dsql gives
	@rm -rf bin/extension/loaded && mkdir -p bin/extension/loaded && $(BIN) extension -q -o bin/extension/loaded/
	@bin/venv-python/bin/python testdata/extension/extension.py $(BIN) bin/extension/loaded/dsql.duckdb_extension bin/venv-python/bin/python

# The oldest that is promised, one of 1.5 and the newest.
DUCKDBS := 1.3.2 1.5.5 2.0.1
test-extension-all: test-extension ## in other versions of DuckDB too, which are installed for it
	@set -e; for v in $(DUCKDBS); do \
	  [ -x bin/venv-duckdb/$$v/bin/python ] || $${PYTHON3:-python3} -m venv bin/venv-duckdb/$$v; \
	  bin/venv-duckdb/$$v/bin/pip install -q --disable-pip-version-check duckdb==$$v; \
	  bin/venv-duckdb/$$v/bin/python testdata/extension/extension.py $(BIN) bin/dsql.duckdb_extension bin/venv-python/bin/python; done

.PHONY: wheel test-wheel test-wheel-models
# Built by the backend that pyproject.toml pins, in an environment of its own.
wheel: extension ## bin/wheel/dsql-….whl: the command and the Python module; PYTHON=3.11 or newer
	@rm -rf bin/wheel && $${PYTHON:-python3} -m pip wheel -q --no-deps -w bin/wheel ./python && ls bin/wheel

test-wheel: wheel ## the wheel in a fresh environment, with a notebook
	@rm -rf bin/wheel-env && $${PYTHON:-python3} -m venv bin/wheel-env
	@bin/wheel-env/bin/pip install -q --disable-pip-version-check bin/wheel/*.whl -r python/requirements-test.txt
	@cd python && $(CURDIR)/bin/wheel-env/bin/python -m pytest

test-wheel-models: test-wheel ## MLflow's and CatBoost's models too, which take longer to install
	@bin/wheel-env/bin/pip install -q --disable-pip-version-check -r python/requirements-models.txt
	@cd python && $(CURDIR)/bin/wheel-env/bin/python -m pytest tests/test_models.py

demo: build ## the main job on a week of real flights, in ./demo-run
	@rm -rf $(DEMO)
	@$(BIN) init $(DEMO)
	@cd $(DEMO) && ../$(BIN) run pipeline.sql

test: tools ## all tests
	@$(GO) test -short -timeout 30m ./...

ci: export CI_PYTHON=1
ci: venv-python venv-quack fmt tidy vet lint vuln test exprs invariants race fuzz crash kafka-test beside ## everything that must pass before a change lands

# A browser, pip, pytest and runs of one process after the other leave a core idle: they run beside each other, each with its output in one piece.
.PHONY: beside
beside:
	@$(MAKE) --no-print-directory --output-sync=target -j2 torture-ci page-test test-extension test-wheel

# Rows of requirements are pinned; what is there is left as it is.
.PHONY: venv-python
venv-python: bin/venv-python/done ## a Python with what tests of Python functions need, in bin/venv-python

bin/venv-python/done: testdata/python/requirements.txt
	@$${PYTHON3:-python3} -m venv bin/venv-python
	@bin/venv-python/bin/pip install -q -r testdata/python/requirements.txt
	@touch $@

.PHONY: venv-quack
venv-quack: bin/venv-quack/done ## a Python with clients of quack that others wrote, in bin/venv-quack

bin/venv-quack/done: testdata/python/quack.txt
	@$${PYTHON3:-python3} -m venv bin/venv-quack
	@bin/venv-quack/bin/pip install -q -r testdata/python/quack.txt
	@touch $@

.PHONY: venv-serve test-serve-clients soak
venv-serve: bin/venv-serve/done

bin/venv-serve/done: testdata/python/serve.txt
	@$${PYTHON3:-python3} -m venv bin/venv-serve
	@bin/venv-serve/bin/pip install -q -r testdata/python/serve.txt
	@touch $@

test-serve-clients: venv-serve ## clients of dsql serve that others wrote: schemathesis, Triton's, Prometheus' parser, pandas
	@CI_PYTHON=1 $(GO) test -count=1 ./cmd/dsql -run 'TestServeClients$$' -v

soak: tools ## two minutes of full load on a server, and 20 times SIGKILL
	@DSQL_SOAK=120s $(GO) test -count=1 -timeout 20m ./cmd/dsql -run 'TestServeSoak|TestServeKilled' -v

fmt: tools
	@bad=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$bad" ]; then echo "gofmt would change:"; echo "$$bad"; exit 1; fi

vet: tools
	@$(GO) vet ./...

tidy: tools ## go.mod lists what is used, and nothing else
	@$(GO) mod tidy -diff

# Its database is on the network: where that can't be reached it says so, and CI goes on.
vuln: tools ## known weaknesses in what is linked, by govulncheck
	@if curl -fsS -m 20 -o /dev/null https://vuln.go.dev/index/db.json; then $(GO) tool govulncheck ./...; \
	  else echo "vuln.go.dev can't be reached: known weaknesses were not looked for"; fi

# golangci-lint takes minutes to build on two cores, so what it would run is called by itself: half a minute of a processor where nothing is
# built or cached yet, and 15 s after a change. internal/lint is errcheck, errorlint, ineffassign, exhaustive, bodyclose and unconvert; goimports stands for
# gci. What packages import (depguard) and how wide lines are (lll) is held by tests. gofumpt would make tables twice as long, revive says
# what staticcheck does, and torture alone has rows of database/sql (sqlclosecheck, rowserrcheck). The spelling is British: only slips are looked for.
lint: tools ## staticcheck, a tool dependency of go.mod; the linters of internal/lint; misspell
	@$(GO) tool staticcheck ./...
	@$(GO) -C internal/lint build -o $(CURDIR)/bin/lint/ . mvdan.cc/unparam golang.org/x/tools/cmd/goimports
	@$(GO) vet -vettool=$(CURDIR)/bin/lint/lint ./...
	@bin/lint/unparam ./...
	@bad=$$(bin/lint/goimports -local dsql -l $$(git ls-files '*.go')); if [ -n "$$bad" ]; then echo "goimports -local dsql would change:"; echo "$$bad"; exit 1; fi
	@$(GO) run github.com/golangci/misspell/cmd/misspell@v0.8.0 -error -i infinit $$(git ls-files '*.go' '*.md' | grep -v testdata)

exprs: tools ## 50,000 random expressions, in expr's VM and in SQL
	@$(GO) test -run TestExprGenerated -count=1 ./rules/expr

race: tools ## the race detector where there are goroutines
	@$(GO) test -race -short -timeout 30m $(RACE)

invariants: tools ## with checks of what must hold compiled in: what is written into vectors, transactions that are over
	@$(GO) test -short -tags invariants -timeout 10m $(INVARIANTS)

# A package is built once for all of its targets, and one without targets not at all. Two packages at a time: while one is linked, which takes
# one core, the targets of another run.
fuzz: tools ## every fuzz target for FUZZTIME
	@mkdir -p bin/fuzz; git grep -l '^func Fuzz' -- '*_test.go' | xargs -n1 dirname | sort -u | xargs -P2 -I{} $(MAKE) --no-print-directory fuzz-one PKG={}

.PHONY: fuzz-one
fuzz-one: BINARY = $(CURDIR)/bin/fuzz/$(subst /,-,$(PKG)).test
fuzz-one:
	@set -e; $(GO) test -c -fuzz Fuzz -o $(BINARY) ./$(PKG); \
	for f in $$($(BINARY) -test.list '^Fuzz'); do \
	  echo "fuzz $(PKG) $$f $(FUZZTIME)"; (cd $(PKG) && $(BINARY) -test.run '^$$' -test.fuzz "^$$f\$$" -test.fuzztime $(FUZZTIME) \
	    -test.fuzzminimizetime 200x -test.fuzzcachedir "$$($(GO) env GOCACHE)/fuzz/dsql/$(PKG)"); done; rm -f $(BINARY)

crash: tools ## the demo, sinks, outer joins and rollups killed at every fault point, run again, compared
	@$(GO) test -run "TestCrashLoop|TestSinkCrashes|TestOuterJoinsAfterCrashes|TestRollupsAfterCrashes" -count=1 ./cmd/dsql

# Seeds, not a time: the same ones on every machine. They take some ninety seconds on two cores; `make torture` tries others.
torture-ci:
	@$(GO) test -run 'TestTorture$$' -count=1 -timeout 30m ./cmd/dsql -torture.seeds 1-$(or $(TORTURE_SEEDS),30)

MINUTES ?= 3
FROM ?= 1
torture: tools ## random pipelines beside a model, for MINUTES=3, from seed FROM=1; ARGS='-torture.with all' and such
	@$(GO) test -run 'TestTorture$$' -count=1 -timeout 0 -v ./cmd/dsql -torture.seeds $(FROM)-999999999 -torture.time $(MINUTES)m $(ARGS)

# Packages that may be under 85 % are named with a reason in internal/cover.
cover: tools ## the part of each package's statements that tests run, those of other packages too
	@mkdir -p bin; $(GO) test -short -timeout 60m -coverpkg=./... -coverprofile=bin/cover.out ./... >bin/cover.txt 2>&1 || \
	  { grep -vE '^(ok|\?|warning: no packages)|no test files|^\s+dsql/\S+\s+coverage: ' bin/cover.txt; exit 1; }
	@$(GO) run ./internal/cover bin/cover.out

.PHONY: bench-instructions
bench-instructions: build ## instructions of small jobs, beside those that are stored; BASE=commit counts another one; needs valgrind
	@python3 bench/instructions.py --dsql $(BIN) $(if $(BASE),--base $(BASE))

clean: ## what builds and demos left
	@rm -rf bin $(DEMO)

.PHONY: bench-land bench-journal bench-models
bench-land: build ## landing a CSV, beside DuckDB's own reader
	@python3 bench/land.py

bench-journal: build ## journals beside hand-written SQL and peers; DATA=folder for the customers, PEERS='--dbt VENV …'
	@python3 bench/journal.py $(DATA) $(PEERS)

bench-journal-growth: build ## a batch into histories of 1, 5 and 20 million rows; DATA=folder for them
	@python3 bench/journal_growth.py $(DATA)

bench-journal-size: build ## a journal's file beside a minimal history; DATA=folder for the batches
	@python3 bench/journal_size.py $(DATA)

.PHONY: bench-quality bench-rules
bench-quality: build ## twelve checks on 5M rows, beside SQL by hand and peers; DATA=folder for the orders, PEERS='--soda VENV …'
	@python3 bench/quality.py $(DATA) $(PEERS)

bench-rules: build ## ten SETs and ten CONSTRAINTs on 5M rows, beside one CREATE TABLE AS; DATA=folder for the orders
	@python3 bench/rules.py $(DATA)

bench-models: build ## models beside their own libraries, a thread each, and in SQL; PYTHON=one with lightgbm, xgboost, pandas, duckdb==1.5.6
	@$${PYTHON:-python3} bench/models/compare.py
	@$${PYTHON:-python3} bench/models/sql.py --dsql $(BIN)

.PHONY: bench-forests
bench-forests: ## forests of scikit-learn beside their own predict_proba, CPU a row; PYTHON=one with scikit-learn
	@$${PYTHON:-python3} bench/models/forests.py

.PHONY: bench-serve
bench-serve: build ## a row scored over HTTP at 16 clients, beside FastAPI; PYTHON=one with fastapi, uvicorn[standard], lightgbm, numpy
	@$${PYTHON:-python3} bench/serve/serve.py --dsql $(BIN)

.PHONY: bench-lookup
bench-lookup: build ## a row of a million keys found and scored in a request; KAFKA=host:port while a topic comes in, PYTHON=one with confluent-kafka
	@$${PYTHON:-python3} bench/serve/lookup.py --dsql $(BIN) $(if $(KAFKA),--kafka $(KAFKA))

.PHONY: bench-quack
bench-quack: build venv-quack ## rows over quack into DuckDB's own client, beside DuckDB's own server, in turn
	@bin/venv-quack/bin/python bench/serve/quack.py --dsql $(BIN)

.PHONY: models-random
models-random: tools ## random models beside LightGBM and XGBoost: scores, contributions, leaves; MODELS=200 SEED=1, PYTHON=one with both
	@d=$$(mktemp -d) && trap 'rm -rf $$d' EXIT && $${PYTHON:-python3} testdata/models/make_random.py $$d --models $${MODELS:-200} --seed $${SEED:-1} && \
		MODEL_CASES=$$d $(GO) test ./models -count=1 -run TestCases

.PHONY: models-sklearn
models-sklearn: build ## scikit-learn's estimators beside dsql's own scoring of them, 10,000 rows each; PYTHON=one with scikit-learn, pandas, pyarrow; ONLY=forest
	@$${PYTHON:-python3} testdata/models/sklearn_matrix.py --dsql $(BIN) --only "$(ONLY)"

.PHONY: bench-python
bench-python: build bin/venv-bench/done ## functions and models in Python beside DuckDB's own and the library itself, in turn; ONLY=forest
	@DSQL_PYTHON=$(CURDIR)/bin/venv-bench/bin/python bin/venv-bench/bin/python bench/python.py --dsql $(BIN) --only "$(ONLY)"

bin/venv-bench/done: bench/python.txt testdata/python/requirements.txt
	@$${PYTHON3:-python3} -m venv bin/venv-bench
	@bin/venv-bench/bin/pip install -q -r bench/python.txt
	@touch $@

.PHONY: kafka-test kafka-kerberos kafka-away kafka-kills kafka-kills-python kafka-group bench-kafka bench-kafka-python
.PHONY: page-test
page-test: tools ## the pages of the demo in chromium: errors, WCAG AA, light, dark, a phone; PICTURES=folder keeps what was seen
	bash page/test/run.sh

# What a Python of the user's own, PYTHON, has is left to it.
.PHONY: venv-kafka
venv-kafka: $(if $(PYTHON),,bin/venv-kafka/done) ## a Python with clients of Kafka and its registries, in bin/venv-kafka

bin/venv-kafka/done: testdata/python/kafka.txt
	@$${PYTHON3:-python3} -m venv bin/venv-kafka
	@bin/venv-kafka/bin/pip install -q -r testdata/python/kafka.txt
	@touch $@

KAFKA_PYTHON = $${PYTHON:-bin/venv-kafka/bin/python}

kafka-test: build venv-kafka ## the tests of topics against a real Apache Kafka, and what others write and read; needs Java and Maven
	@PYTHON=$(KAFKA_PYTHON) bench/kafka/test.sh

kafka-kerberos: ## logins by Kerberos, from a real KDC to a real Kafka; needs Java, Maven, Debian's krb5-kdc and krb5-admin-server
	@bench/kafka/kerberos.sh

kafka-away: build venv-kafka ## the schema registry, and then a sink's topic, away for two minutes each while a run follows
	@bench/kafka/broker.sh $(KAFKA_PYTHON) bench/kafka/away.py

kafka-kills: build venv-kafka ## a follower killed 30 times while a million events come
	@bench/kafka/broker.sh $(KAFKA_PYTHON) bench/kafka/kills.py

kafka-kills-python: build ## a follower that calls Python, its workers, or both killed 50 times; PYTHON=one with confluent-kafka, duckdb==1.5.6 and pyarrow
	@bench/kafka/broker.sh $${PYTHON:-python3} bench/kafka/kills_python.py

kafka-group: build venv-kafka ## two members of a group, one of them killed ten times
	@bench/kafka/broker.sh $(KAFKA_PYTHON) bench/kafka/group.py

bench-kafka: build ## landing a topic, beside what is written by hand; PYTHON=one with confluent-kafka, duckdb==1.5.6, orjson, pyarrow, quixstreams
	@bench/kafka/broker.sh $${PYTHON:-python3} bench/kafka_speed.py

.PHONY: bench-windows
bench-windows: build ## counts and averages by key and minute with late events, beside peers, and 1,000 groups of 5M; PEERS=hand,bytewax,quix; PYTHON as above, with orjson, pyarrow
	@bench/kafka/broker.sh $${PYTHON:-python3} bench/windows.py --peers "$${PEERS:-hand}"

bench-kafka-python: build ## a topic with a SET by a pandas function, beside quixstreams; PYTHON as above, with pandas, pyarrow, quixstreams
	@bench/kafka/broker.sh $${PYTHON:-python3} bench/kafka_python.py

.PHONY: bench-monitor
bench-monitor: build ## a stream of scores with a monitor and without; PYTHON=one with lightgbm, numpy, pyarrow, EVIDENTLY=one with evidently
	@$${PYTHON:-python3} bench/monitor_cost.py --dsql $(BIN) $(if $(EVIDENTLY),--evidently $(EVIDENTLY))
