"""Models of scikit-learn and MLflow asked over HTTP give what their library gives."""

import contextlib
import json
import math
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

import dsql

numpy = pytest.importorskip("numpy")
pandas = pytest.importorskip("pandas")
joblib = pytest.importorskip("joblib")
pytest.importorskip("pyarrow")
pytest.importorskip("sklearn")

N = 300


@pytest.fixture(scope="module")
def rows():
    random = numpy.random.default_rng(7)
    f = pandas.DataFrame(random.normal(size=(N, 3)), columns=["a", "b", "c d"])
    f.loc[random.random(N) < 0.1, "b"] = numpy.nan
    return f.assign(plan=random.choice(["pro", "básic", 'a "b"'], N))


class Server:
    def __init__(self, url):
        self.url = url

    def ready(self):
        """It answers before its script has run."""
        try:
            return urllib.request.urlopen(self.url + "/readyz", timeout=60).status == 200
        except urllib.error.HTTPError as e:
            time.sleep(0.01)
            assert e.code == 503
            return False

    def ask(self, path, body=None, status=200):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"} if data else {})
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                got, text = answer.status, answer.read()
        except urllib.error.HTTPError as e:
            got, text = e.code, e.read()
        assert got == status, text
        return json.loads(text)


@contextlib.contextmanager
def served(script, db="m.duckdb"):
    with open("m.sql", "w") as f:
        f.write(script)
    env = {**os.environ, "DSQL_PYTHON": sys.executable}
    with subprocess.Popen([dsql.program(), "serve", "m.sql", "--db", db, "--listen", "127.0.0.1:0", "--log-format", "json"], env=env,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as p:
        try:
            said = ""
            for line in p.stderr:
                said += line
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    break
            else:
                pytest.fail(said)
            server = Server(found[0])
            while not server.ready():
                assert p.poll() is None
            yield server
        finally:
            p.terminate()
            p.communicate(timeout=60)


def plain(value):
    """What stands in JSON for a value of a row."""
    if value is None or isinstance(value, float) and math.isnan(value):
        return None
    return value.item() if hasattr(value, "item") else value


def records(f):
    return [{k: plain(v) for k, v in row.items()} for row in f.to_dict("records")]


def same(got, want, to_the_bit=True):
    got = numpy.asarray(got)
    want = numpy.asarray(want)
    assert got.shape == want.shape
    if want.dtype.kind == "f":
        if to_the_bit:
            assert numpy.array_equal(got.astype(float).view(numpy.int64), want.astype(float).view(numpy.int64))
        else:
            numpy.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14)
    else:
        assert got.tolist() == want.tolist()


def by_all_ways(server, name, f, want, kind, output="prediction", to_the_bit=True):
    """Asks for the rows by each protocol. kind is the datatype of what comes back."""
    for rows in (records(f), {"rows": records(f)}):
        got = server.ask(f"/v1/models/{name}/predict", rows)
        assert got["model"] == {"name": name, "version": 1}
        same(got["predictions"], want, to_the_bit)
    same(server.ask(f"/v1/models/{name}/versions/1/predict", records(f)[0])["predictions"], want[:1], to_the_bit)
    about = server.ask(f"/v2/models/{name}")
    assert [i["name"] for i in about["inputs"]] == list(f.columns) and about["outputs"][0]["datatype"] == kind
    tensors = [{"name": i["name"], "datatype": i["datatype"], "shape": [len(f)], "data": [plain(v) for v in f[i["name"]]]} for i in about["inputs"]]
    out = server.ask(f"/v2/models/{name}/infer", {"id": "x", "inputs": tensors})
    assert out["id"] == "x" and out["model_version"] == "1"
    (out,) = out["outputs"]
    assert out["name"] == output and out["datatype"] == kind and out["shape"] == list(numpy.shape(want))
    same(numpy.asarray(out["data"]).reshape(out["shape"]), want, to_the_bit)
    split = {"columns": list(f.columns), "data": [[plain(v) for v in row] for row in f.to_numpy(object).tolist()]}
    for body in ({"dataframe_split": split}, {"dataframe_records": records(f)}, {"instances": records(f)},
                 {"inputs": {c: [plain(v) for v in f[c]] for c in f}}):
        same(server.ask(f"/invocations?model={name}", body)["predictions"], want, to_the_bit)


def test_sklearn(rows):
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    x = rows[["a", "b", "c d"]]
    word = numpy.where(rows.a > 0.5, "late", numpy.where(rows["c d"] > 0, 'ea"rly', "fine"))
    forest = RandomForestClassifier(n_estimators=20, max_depth=6, random_state=0).fit(x, word)
    flag = RandomForestClassifier(n_estimators=5, max_depth=4, random_state=0).fit(x, rows.a > 0)
    level = RandomForestClassifier(n_estimators=5, max_depth=4, random_state=0).fit(x, (rows.a > 0) * 10 - 5)
    half = RandomForestClassifier(n_estimators=5, max_depth=4, random_state=0).fit(x, (rows.a > 0) * 1.0 - 3)
    hist = HistGradientBoostingRegressor(max_iter=20).fit(x, rows.a * 2 + numpy.sin(rows["c d"]))
    text = make_pipeline(make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["plan"]), (SimpleImputer(), ["a", "b"])),
                         LogisticRegression()).fit(rows[["a", "b", "plan"]], word)
    script = ""
    for name, model in {"forest": forest, "flag": flag, "level": level, "half": half, "hist": hist, "text": text}.items():
        joblib.dump(model, f"{name}.joblib")
        types = " INPUT (a DOUBLE, b DOUBLE, plan VARCHAR)" if name == "text" else ""
        script += f"CREATE MODEL {name} FROM '{name}.joblib' FORMAT sklearn{types};\n"
        if hasattr(model, "classes_"):
            script += f"CREATE MODEL {name}_label FROM '{name}.joblib' FORMAT sklearn{types} OUTPUT label;\n"
    script += "CREATE MODEL text_raw FROM 'text.joblib' FORMAT sklearn INPUT (a DOUBLE, b DOUBLE, plan VARCHAR) OUTPUT raw;\n"
    with served(script) as server:
        by_all_ways(server, "forest", x, forest.predict_proba(x), "FP64")
        by_all_ways(server, "forest_label", x, forest.predict(x), "BYTES", "label")
        by_all_ways(server, "flag_label", x, flag.predict(x), "BOOL", "label")
        by_all_ways(server, "level_label", x, level.predict(x), "INT64", "label")
        by_all_ways(server, "half_label", x, half.predict(x), "FP64", "label")
        by_all_ways(server, "hist", x, hist.predict(x), "FP64")
        y = rows[["a", "b", "plan"]]
        by_all_ways(server, "text", y, text.predict_proba(y), "FP64", to_the_bit=False)
        by_all_ways(server, "text_raw", y, text.decision_function(y), "FP64", "raw", to_the_bit=False)
        by_all_ways(server, "text_label", y, text.predict(y), "BYTES", "label")
        matrix = x.to_numpy()
        filled = numpy.where(numpy.isnan(matrix), 0.0, matrix)
        one = {"inputs": [{"name": "input-0", "shape": list(filled.shape), "datatype": "FP64", "data": filled.tolist()}]}
        want = forest.predict_proba(pandas.DataFrame(filled, columns=x.columns))
        same(numpy.asarray(server.ask("/v2/models/forest/infer", one)["outputs"][0]["data"]).reshape(-1, 3), want)
        same(server.ask("/invocations?model=forest", {"inputs": filled.tolist()})["predictions"], want)
        bad = server.ask("/v1/models/text/predict", {"a": "x"}, 400)
        assert bad["code"] == "bad-parameter"
        wrong = server.ask("/v1/models/level/predict", {"a": "inf"}, 422)
        assert "infini" in wrong["detail"]
    os.remove("forest.joblib")
    with served("SELECT 1", db="m.duckdb") as server:  # from the file alone
        same(server.ask("/v1/models/forest/predict", records(x))["predictions"], forest.predict_proba(x))


def test_mlflow(rows):
    mlflow = pytest.importorskip("mlflow")
    import mlflow.pyfunc
    import mlflow.sklearn
    from mlflow.models import infer_signature
    from sklearn.ensemble import RandomForestClassifier

    x = rows[["a", "b", "c d"]]
    model = RandomForestClassifier(n_estimators=10, max_depth=5, random_state=0).fit(x, rows.a > 0)
    label = {"signature": infer_signature(x, model.predict(x))}
    proba = {"signature": infer_signature(x, model.predict_proba(x)), "pyfunc_predict_fn": "predict_proba"}
    matrix = {"signature": infer_signature(x.to_numpy(), model.predict_proba(x)), "pyfunc_predict_fn": "predict_proba"}
    for name, how in {"label": label, "proba": proba, "matrix": matrix}.items():
        mlflow.sklearn.save_model(model, name, serialization_format="cloudpickle", **how)
    script = "".join(f"CREATE MODEL {name} FROM '{name}' FORMAT mlflow;\n" for name in ("label", "proba", "matrix"))
    with served(script) as server:
        by_all_ways(server, "label", x, mlflow.pyfunc.load_model("label").predict(x), "BOOL")
        by_all_ways(server, "proba", x, mlflow.pyfunc.load_model("proba").predict(x), "FP64")
        by_all_ways(server, "matrix", x.set_axis(["x0", "x1", "x2"], axis=1), mlflow.pyfunc.load_model("matrix").predict(x.to_numpy()), "FP64")
