"""Models that Python scores, beside what their library gives for all rows at once."""

import importlib.util
import os
import shutil
import subprocess
import sys

import pytest

import dsql

numpy = pytest.importorskip("numpy")
pandas = pytest.importorskip("pandas")
joblib = pytest.importorskip("joblib")
pytest.importorskip("pyarrow")
pytest.importorskip("sklearn")

N = 10_000


@pytest.fixture(scope="module")
def rows():
    random = numpy.random.default_rng(3)
    f = pandas.DataFrame(random.normal(size=(N, 4)), columns=["a", "b", "c", "d"])
    f.loc[random.random(N) < 0.05, "b"] = numpy.nan
    return f


@pytest.fixture(scope="module")
def classes(rows):
    return numpy.select([rows.a > 0.5, rows.c > 0], ["late", "early"], "fine")


def scored(rows, script, call, db="m.duckdb"):
    """What call gives for each row, in their order."""
    rows.assign(i=range(len(rows))).to_parquet("rows.parquet", index=False)
    dsql.run(text=f"{script}; CREATE OR REPLACE TABLE r AS FROM 'rows.parquet'; COPY (SELECT {call} AS v FROM r ORDER BY i) TO 'out.parquet';", db=db)
    return pandas.read_parquet("out.parquet").v


def same(got, want):
    got = numpy.stack(got.to_list()) if numpy.ndim(want) == 2 else got.to_numpy()
    assert got.dtype == numpy.asarray(want).dtype or got.dtype == object
    if numpy.asarray(want).dtype.kind == "f":
        assert numpy.array_equal(got.view(numpy.int64), numpy.asarray(want).view(numpy.int64))  # to the last bit
    else:
        assert list(got) == list(want)


def forest(rows, y, **more):
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_estimators=20, max_depth=8, random_state=0, **more).fit(rows, y)


def test_a_classifier(rows, classes):
    model = forest(rows, classes, n_jobs=2)
    joblib.dump(model, "late.joblib")
    model.set_params(n_jobs=1)
    script = "CREATE MODEL late FROM 'late.joblib' FORMAT sklearn; CREATE MODEL late_label FROM 'late.joblib' FORMAT sklearn OUTPUT label"
    same(scored(rows, script, "late(a, b, c, d)"), model.predict_proba(rows))
    same(scored(rows, script, "late(r)"), model.predict_proba(rows))  # a STRUCT by name
    same(scored(rows, script, "late_label(a, b, c, d)"), model.predict(rows))
    described = dsql.run(text="DESCRIBE MODEL late; SELECT name, format, outputs, inputs FROM dsql.models ORDER BY name", db="m.duckdb").results
    assert described[0].rows[0][:3] == ("a", "DOUBLE", "argument 1") and described[0].rows[-1][:3] == ("prediction", "DOUBLE[]", "result")
    assert [(r[0], r[1], r[2]) for r in described[1]] == [("late", "sklearn", "DOUBLE[]"), ("late_label", "sklearn", "VARCHAR")]


def test_regressors(rows):
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.tree import DecisionTreeRegressor

    y = rows.a * 2 + numpy.sin(rows.c)
    for name, model in {"hist": HistGradientBoostingRegressor(max_iter=20), "tree": DecisionTreeRegressor(max_depth=6)}.items():
        model.fit(rows, y)
        joblib.dump(model, f"{name}.pkl")
        same(scored(rows, f"CREATE MODEL {name} FROM '{name}.pkl' FORMAT sklearn", f"{name}(a, b, c, d)"), model.predict(rows))


def test_a_pipeline_of_numbers_and_texts(rows, classes):
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    rows = rows.assign(plan=numpy.where(rows.d > 0, "pro", "basic"))
    model = make_pipeline(make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["plan"]), (SimpleImputer(), ["a", "b"])),
                          LogisticRegression()).fit(rows[["a", "b", "plan"]], classes == "late")
    joblib.dump(model, "p.joblib")
    script = ("CREATE MODEL p FROM 'p.joblib' FORMAT sklearn INPUT (a DOUBLE, b DOUBLE, plan VARCHAR);"
              "CREATE MODEL p_raw FROM 'p.joblib' FORMAT sklearn INPUT (a DOUBLE, b DOUBLE, plan VARCHAR) OUTPUT raw")
    got = numpy.stack(scored(rows, script, "p(a, b, plan)").to_list())
    # Sums of a product are cut elsewhere by each processor's BLAS; one probability is 1 less the other, so that it has the other's last bit.
    numpy.testing.assert_allclose(got, model.predict_proba(rows[["a", "b", "plan"]]), rtol=1e-12, atol=1e-15)
    got = scored(rows, script, "p_raw(a, b, plan)").to_numpy()
    numpy.testing.assert_allclose(got, model.decision_function(rows[["a", "b", "plan"]]), rtol=1e-12, atol=1e-14)


def test_versions(rows):
    from sklearn.dummy import DummyRegressor

    for value in (1.0, 2.0):
        joblib.dump(DummyRegressor(strategy="constant", constant=value).fit(rows[["a"]], rows.c), "m.joblib")
        run = dsql.run(text="CREATE MODEL m FROM 'm.joblib' FORMAT sklearn; SELECT m(0.0)", db="m.duckdb")
        assert run.results[0].rows == [(value,)]
        assert [c.action for c in run.changes] == ["create" if value == 1 else "change"]
    again = dsql.run(text="CREATE MODEL m FROM 'm.joblib' FORMAT sklearn;", db="m.duckdb")
    assert again.changes == [] and again.warnings == []
    os.remove("m.joblib")  # it is in the file
    ask = "SELECT m(0.0), m_v1(0.0), m_v2(0.0)"
    assert dsql.run(text=ask, db="m.duckdb").results[0].rows == [(2.0, 1.0, 2.0)]
    assert dsql.run(text="ALTER MODEL m USE VERSION 1; " + ask, db="m.duckdb").results[0].rows == [(1.0, 1.0, 2.0)]


def ways(name, db="m.duckdb"):
    """What EXPLAIN MODEL says of each version."""
    rows = dsql.run(text=f"EXPLAIN MODEL {name}", db=db).results[0].rows
    return "\n".join(r[0] for r in rows).splitlines()[1:]


def test_estimators_are_read_once(rows, classes, monkeypatch):
    from sklearn.decomposition import PCA
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline

    kinds = {"word": classes, "flag": classes == "late", "number": (classes == "late") * 2.0 - 3, "level": (classes == "late") * 2 - 3}
    models = {name: forest(rows, y) for name, y in kinds.items()}
    models["pca"] = make_pipeline(SimpleImputer(), PCA(2), forest(rows[["a", "b"]], classes)).fit(rows, classes)
    script = ""
    for name, model in models.items():
        joblib.dump(model, f"{name}.joblib")
        script += f"CREATE MODEL {name} FROM '{name}.joblib' FORMAT sklearn OUTPUT label; "
    for name, model in models.items():
        same(scored(rows, script, f"{name}(r)"), model.predict(rows))
        (way,) = ways(name)
        assert ("PCA" if name == "pca" else "by dsql itself, without Python: RandomForestClassifier") in way
    monkeypatch.setenv("DSQL_PYTHON", "/no/such/python")
    for name in kinds:
        os.remove(f"{name}.joblib")
        same(scored(rows, "SELECT 1", f"{name}(a, b, c, d)"), models[name].predict(rows))
        same(scored(rows, "SELECT 1", f"{name.upper()}_V1(r)"), models[name].predict(rows))
    assert refused("SELECT pca(1, 2, 3, 4)").code == "no-python"
    assert refused("SELECT word(1, 2, 3, 'inf'::DOUBLE)").code == "model-value"
    joblib.dump(forest(rows, classes, class_weight="balanced"), "word.joblib")
    assert refused("CREATE MODEL word FROM 'word.joblib' FORMAT sklearn OUTPUT label").code == "no-python"
    monkeypatch.setenv("DSQL_PYTHON", sys.executable)
    dsql.run(text="CREATE MODEL word FROM 'word.joblib' FORMAT sklearn (workers 1) OUTPUT label; ALTER MODEL word USE VERSION 1", db="m.duckdb")
    assert [("in use" in w, "itself" in w) for w in ways("word")] == [(True, True), (False, True)]


def test_which_inputs_python_is_asked_for(rows):
    from sklearn.ensemble import HistGradientBoostingRegressor

    model = HistGradientBoostingRegressor(max_iter=5).fit(rows, rows.a)
    joblib.dump(model, "m.joblib")
    for k, (inputs, said) in enumerate({
        "": "itself", "INPUT (A DOUBLE, b INTEGER, c BOOLEAN, d UINTEGER)": "itself", "INPUT (a DOUBLE, b BIGINT, c DOUBLE, d DOUBLE)": "b as BIGINT",
        "INPUT (b DOUBLE, a DOUBLE, c DOUBLE, d DOUBLE)": "argument 1 was a", "INPUT (a DOUBLE)": "INPUT names 1 arguments",
    }.items()):
        dsql.run(text=f"CREATE MODEL m{k} FROM 'm.joblib' FORMAT sklearn {inputs}", db="m.duckdb")
        assert said in ways(f"m{k}")[0]
    same(scored(rows, "SELECT 1", "m1(a, b, c, d)"), model.predict(rows))


def test_a_class_made_of_one_is_scored_by_python(rows, own_folder, monkeypatch):
    (own_folder / "mine.py").write_text("from sklearn.ensemble import HistGradientBoostingRegressor\n"
                                        "class Twice(HistGradientBoostingRegressor):\n    def predict(self, X):\n        return 2 * super().predict(X)\n")
    monkeypatch.syspath_prepend(str(own_folder))
    import mine

    model = mine.Twice(max_iter=5).fit(rows, rows.a)
    joblib.dump(model, "m.joblib")
    same(scored(rows, "CREATE MODEL m FROM 'm.joblib' FORMAT sklearn", "m(r)"), model.predict(rows))
    assert "mine.Twice is no class of scikit-learn's own" in ways("m")[0]


def test_a_saved_folder(rows, classes):
    model = forest(rows, classes)
    dsql.save_model(model, "late", example=rows.head(), tags={"owner": "ops", "stage": "trial"})
    script = "CREATE MODEL late FROM 'late/' FORMAT python TAGS (stage 'production')"
    same(scored(rows, script, "late(a, b, c, d)"), model.predict_proba(rows))
    same(scored(rows, "CREATE MODEL late_label FROM 'late' FORMAT python OUTPUT label", "late_label(a, b, c, d)"), model.predict(rows))
    tags = dsql.run(text="SELECT tags FROM dsql.models WHERE name = 'late'", db="m.duckdb").results[0].rows
    assert tags == [({"owner": "ops", "stage": "production"},)]
    shutil.rmtree("late")
    same(scored(rows, "SELECT 1", "late(a, b, c, d)"), model.predict_proba(rows))


def test_a_folder_by_hand(rows):
    for name, model in {
        "plain": "def predict(batch):\n    return batch.a * 2\n",
        "arrow": "import pyarrow as pa\nimport pyarrow.compute as pc\ndef predict(batch: pa.Table):\n    return pc.multiply(batch['a'], 2.0)\n",
        "state": "import os\ndef load(path):\n    return float(open(os.path.join(path, 'factor.txt')).read())\n"
                 "def predict(batch: dict, factor):\n    return batch['a'] * factor\n",
        "modules": "import helper\ndef predict(batch):\n    return helper.twice(batch.a)\n",
        "other": "import helper\ndef predict(batch):\n    return helper.twice(batch.a)\n",
    }.items():
        os.mkdir(name)
        open(f"{name}/model.py", "w").write(model)
        open(f"{name}/factor.txt", "w").write("2")
        open(f"{name}/helper.py", "w").write("def twice(x):\n    return x * 2\n" if name != "other" else "def twice(x):\n    return x + x\n")
        same(scored(rows, f"CREATE MODEL {name} FROM '{name}' FORMAT python INPUT (a DOUBLE)", f"{name}(a)"), (rows.a * 2).to_numpy())
    assert dsql.run(text="SELECT modules(1.0), other(2.0)", db="m.duckdb").results[0].rows == [(2.0, 4.0)]


def test_missing_values_come_back_as_null_from_pandas(own_folder):
    os.mkdir("m")
    open("m/model.py", "w").write("def predict(batch):\n    return batch.a * 2\n")
    got = dsql.run(text="CREATE MODEL m FROM 'm' FORMAT python INPUT (a DOUBLE); SELECT m(NULL), m(1.5), m('nan'::DOUBLE)", db="m.duckdb")
    assert got.results[0].rows == [(None, 3.0, None)]


def refused(script):
    with pytest.raises(dsql.Error) as e:
        dsql.run(text=script, db="m.duckdb", name="s.sql")
    return e.value


def test_what_is_no_model(rows):
    from sklearn.preprocessing import StandardScaler

    joblib.dump(StandardScaler().fit(rows), "scaler.joblib")
    joblib.dump({"a": 1}, "dict.joblib")
    joblib.dump(forest(rows, rows.a > 0), "m.joblib")
    open("junk.pkl", "wb").write(b"\x80\x04junk")
    os.mkdir("empty")
    os.mkdir("broken")
    open("broken/model.py", "w").write("import nowhere\n")
    for script, code, said in (
        ("FROM 'scaler.joblib' FORMAT sklearn", "bad-model", "which has no predict"),
        ("FROM 'dict.joblib' FORMAT sklearn", "bad-model", "builtins.dict"),
        ("FROM 'junk.pkl' FORMAT sklearn", "bad-model", "it can't be loaded"),
        ("FROM 'empty' FORMAT python", "bad-model", "no model.py"),
        ("FROM 'empty' FORMAT mlflow", "bad-model", "no file MLmodel"),
        ("FROM 'broken' FORMAT python", "bad-model", "needs the package nowhere"),
        ("FROM 'empty' FORMAT sklearn", "no-file", "is a folder"),
        ("FROM 'm.joblib' FORMAT python", "bad-model", "takes a folder"),
        ("FROM 'm.joblib'", "bad-model", "FORMAT sklearn"),
        ("FROM 'nothing.pkl' FORMAT sklearn", "no-file", "can't be read"),
        ("FROM 'nothing' FORMAT mlflow", "no-file", "can't be read"),
        ("FROM 'm.joblib' FORMAT sklearn OUTPUT raw", "model-output", "no raw"),
        ("FROM 'm.joblib' FORMAT sklearn INPUT (a HUGEINT, b DOUBLE, c DOUBLE, d DOUBLE)", "model-inputs", "HUGEINT"),
        ("FROM 'm.joblib' FORMAT sklearn (python 'no/such/python')", "no-python", "no/such/python"),
    ):
        e = refused(f"CREATE MODEL m {script}")
        assert e.code == code and said in str(e) and e.file == "s.sql", str(e)


def test_a_pickle_of_another_version(rows):
    joblib.dump(forest(rows.head(100), rows.a.head(100) > 0), "m.joblib")
    data = open("m.joblib", "rb").read()
    import sklearn

    here = sklearn.__version__.encode()
    was = b"1.0.1".ljust(len(here), b"1")[:len(here)]
    assert here in data
    open("m.joblib", "wb").write(data.replace(here, was))
    run = dsql.run(text="CREATE MODEL m FROM 'm.joblib' FORMAT sklearn; SELECT m(1, 2, 3, 4)", db="m.duckdb")
    assert [w.code for w in run.warnings] == ["model-requirements"]
    assert f"scikit-learn {was.decode()} saved it, and {sklearn.__version__} is here" in run.warnings[0].message
    assert len(run.results[0].rows[0][0]) == 2


def test_requirements_are_compared(rows):
    dsql.save_model(forest(rows, rows.a > 0), "m", example=rows.head())
    text = open("m/requirements.txt").read()
    open("m/requirements.txt", "w").write("\n".join("pandas==0.1" if n.startswith("pandas==") else n for n in text.split()) + "\nno-such-thing==1.0\n")
    run = dsql.run(text="CREATE MODEL m FROM 'm' FORMAT python", db="m.duckdb")
    assert len(run.warnings) == 1
    assert f"pandas 0.1 is asked for, and {pandas.__version__} is here" in run.warnings[0].message
    assert "no-such-thing 1.0 is asked for, and none is here" in run.warnings[0].message


def test_mlflow(rows, classes):
    mlflow = pytest.importorskip("mlflow")
    import mlflow.sklearn
    from mlflow.models import infer_signature

    model = forest(rows, classes)
    signature = infer_signature(rows, model.predict(rows))
    kinds = {"pickled": {"serialization_format": "cloudpickle"}}
    try:
        import skops  # noqa: F401

        kinds["skops"] = {"skops_trusted_types": ["sklearn.tree._tree.Tree", "numpy.dtype"]}
    except ImportError:
        pass
    for name, how in kinds.items():
        mlflow.sklearn.save_model(model, name, signature=signature, **how)
        same(scored(rows, f"CREATE MODEL {name} FROM '{name}' FORMAT mlflow", f"{name}(a, b, c, d)"), model.predict(rows))
    mlflow.sklearn.save_model(model, "unsigned", serialization_format="cloudpickle")
    e = refused("CREATE MODEL m FROM 'unsigned' FORMAT mlflow")
    assert e.code == "model-inputs" and "INPUT" in e.hint
    mlflow.sklearn.save_model(model, "numbers", signature=infer_signature(rows.to_numpy(), model.predict_proba(rows)), pyfunc_predict_fn="predict_proba",
                              serialization_format="cloudpickle")
    same(scored(rows, "CREATE MODEL numbers FROM 'numbers' FORMAT mlflow", "numbers(a, b, c, d)"), model.predict_proba(rows))


def streamed(rows, script, call):
    """What call gives for each row in a destination's chain, where it is called with all of them at once."""
    rows.assign(i=range(len(rows))).to_parquet("in.parquet", index=False)
    dsql.run(text=f"{script}; CREATE SOURCE s FROM FILES ('in.parquet'); CREATE STREAM scored AS SELECT i, {call} AS v FROM s; REFRESH;"
                  "COPY (SELECT v FROM scored ORDER BY i) TO 'out.parquet'", db="streamed.duckdb")
    os.remove("streamed.duckdb")
    return pandas.read_parquet("out.parquet").v


def pipeline(rows, classes):
    """Sums of products, whose last bits follow how a batch is cut, and a step that adds rows' distances."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    return make_pipeline(SimpleImputer(), PolynomialFeatures(2), StandardScaler(), LogisticRegression(max_iter=200)).fit(rows, classes)


def test_a_pipeline_to_the_last_bit(rows, classes):
    model = pipeline(rows, classes)
    dsql.save_model(model, "saved", example=rows.head())
    joblib.dump(model, "dumped.joblib")
    for how in ("'saved' FORMAT python", "'dumped.joblib' FORMAT sklearn"):
        same(streamed(rows, f"CREATE MODEL m FROM {how}", "m(a, b, c, d)"), model.predict_proba(rows))
        same(streamed(rows, f"CREATE MODEL m FROM {how} OUTPUT label", "m(s)"), model.predict(rows))
        same(streamed(rows, f"CREATE MODEL m FROM {how} OUTPUT raw", "m(a, b, c, d)"), model.decision_function(rows))


def test_a_pipeline_of_mlflow_to_the_last_bit(rows, classes):
    pytest.importorskip("mlflow")
    import mlflow.sklearn
    from mlflow.models import infer_signature

    model = pipeline(rows, classes)
    proba = {"signature": infer_signature(rows, model.predict_proba(rows)), "pyfunc_predict_fn": "predict_proba"}
    kinds = {"pickled": {"serialization_format": "cloudpickle"}}
    if importlib.util.find_spec("skops"):
        kinds["skops"] = {"serialization_format": "skops", "skops_trusted_types": ["numpy.dtype"]}
    for name, how in kinds.items():
        mlflow.sklearn.save_model(model, name, **proba, **how)
        same(streamed(rows, f"CREATE MODEL m FROM '{name}' FORMAT mlflow", "m(a, b, c, d)"), model.predict_proba(rows))


def test_catboost(rows, classes):
    catboost = pytest.importorskip("catboost")
    rows = rows.assign(plan=numpy.where(rows.d > 0, "pro", "basic"))
    small = {"iterations": 20, "depth": 4, "verbose": False, "allow_writing_files": False, "thread_count": 1}
    model = catboost.CatBoostClassifier(**small).fit(rows, classes, cat_features=["plan"])
    model.save_model("c.cbm")
    script = ("CREATE MODEL c FROM 'c.cbm' FORMAT catboost; CREATE MODEL c_label FROM 'c.cbm' FORMAT catboost OUTPUT label;"
              "CREATE MODEL c_raw FROM 'c.cbm' FORMAT catboost OUTPUT raw")
    explained = dsql.run(text=f"{script}; EXPLAIN MODEL c", db="m.duckdb").results[0].rows
    assert "dsql itself: catboost" in str(explained)
    same(scored(rows, script, "c(a, b, c, d, plan)"), model.predict_proba(rows))
    same(scored(rows, script, "c_label(a, b, c, d, plan)"), model.predict(rows)[:, 0])
    same(scored(rows, script, "c_raw(a, b, c, d, plan)"), model.predict(rows, prediction_type="RawFormulaVal"))
    many = rows.assign(plan=[f"plan {int(d * 3)}" for d in rows.d])  # categories whose targets are counted: Python's
    model = catboost.CatBoostClassifier(**small).fit(many, classes, cat_features=["plan"])
    model.save_model("t.cbm")
    script = "CREATE MODEL t FROM 't.cbm' FORMAT catboost; CREATE MODEL t_label FROM 't.cbm' FORMAT catboost OUTPUT label"
    same(scored(many, script, "t(a, b, c, d, plan)"), model.predict_proba(many))
    same(scored(many, script, "t_label(a, b, c, d, plan)"), model.predict(many)[:, 0])
    assert "Python: it counts targets" in str(dsql.run(text=f"{script}; EXPLAIN MODEL t", db="m.duckdb").results[0].rows)
    with pytest.raises(dsql.Error, match="counts targets"):
        dsql.run(text="CREATE MODEL u FROM 't.cbm'", db="m.duckdb")
    model = catboost.CatBoostRegressor(**small).fit(rows[["a", "b"]], rows.c)
    model.save_model("r.cbm")
    same(scored(rows, "CREATE MODEL reg FROM 'r.cbm' FORMAT catboost", "reg(a, b)"), model.predict(rows[["a", "b"]]))
    binary = catboost.CatBoostClassifier(**small).fit(rows[["a", "b"]], (rows.c > 0).astype(int))
    binary.save_model("b.cbm")
    script = "CREATE MODEL bin FROM 'b.cbm' FORMAT catboost; CREATE MODEL bin_label FROM 'b.cbm' FORMAT catboost OUTPUT label"
    same(scored(rows, script, "bin(a, b)"), binary.predict_proba(rows[["a", "b"]]))
    same(scored(rows, script, "bin_label(a, b)"), binary.predict(rows[["a", "b"]]))


def test_the_example_of_init(own_folder):
    subprocess.run([dsql.program(), "init", "--python"], check=True, capture_output=True)
    os.chdir("messages")
    subprocess.run([sys.executable, "train.py"], check=True)
    run = dsql.run("pipeline.sql")
    assert {r.name: (r.written, r.rejected) for v in run.versions for r in v.rows if r.name == "messages"}
    assert (run.records, run.rejected, run.bad) == (21, 1, 0)
    assert [r[0] for r in run.results[0]] == ["control", "offer"]
    risky = dsql.run(text="SELECT count(*) FROM offers; SELECT bool_and(risk BETWEEN 0 AND 1), bool_or(risk < 0.5), bool_or(risk > 0.5) FROM scored",
                     db="pipeline.duckdb")
    assert risky.results[0].rows[0][0] > 0 and risky.results[1].rows == [(True, True, True)]
    assert len(os.listdir("out")) > 0
