import json
import os
import subprocess
import sys

import pytest

import dsql
from dsql import _model

numpy = pytest.importorskip("numpy")
pandas = pytest.importorskip("pandas")


def about(folder):
    with open(os.path.join(folder, "model.json")) as f:
        return json.load(f)


def in_another_process(folder, columns, output="prediction"):
    """What a worker gives: the folder alone, and nothing of this process."""
    code = ("import sys, json, runpy, pandas; m = runpy.run_path(sys.argv[1]); model, _ = m['load'](sys.argv[2], 'python'); "
            "c = json.loads(sys.argv[3]); b = {k: __import__('numpy').array(v) for k, v in c.items()} if model.batch == 'dict' else pandas.DataFrame(c); "
            "v = model.predict(sys.argv[4], b); print(json.dumps(v.tolist() if hasattr(v, 'tolist') else list(v)))")
    p = subprocess.run([sys.executable, "-c", code, _model.__file__, folder, json.dumps(columns), output], capture_output=True, text=True, cwd="/")
    assert p.returncode == 0, p.stderr
    return json.loads(p.stdout)


@pytest.fixture
def frame():
    random = numpy.random.default_rng(1)
    return pandas.DataFrame(random.normal(size=(200, 3)), columns=["a", "b", "c d"])


def test_a_classifier(frame):
    ensemble = pytest.importorskip("sklearn.ensemble")
    y = numpy.where(frame.a + frame.b > 0, "late", "fine")
    forest = ensemble.RandomForestClassifier(n_estimators=5, n_jobs=2, random_state=0).fit(frame, y)
    folder = os.path.abspath(dsql.save_model(forest, "forest", example=frame.head(), tags={"owner": "ops"}))
    assert about(folder) == {"inputs": [{"name": n, "type": "DOUBLE"} for n in ("a", "b", "c d")],
                             "outputs": {"prediction": "DOUBLE[]", "label": "VARCHAR"}, "tags": {"owner": "ops"},
                             "python": "%d.%d" % sys.version_info[:2]}
    needs = open(os.path.join(folder, "requirements.txt")).read().split("\n")
    assert any(n.startswith("scikit-learn==") for n in needs) and any(n.startswith("pandas==") for n in needs)
    rows = frame.head(7)
    assert in_another_process(folder, rows.to_dict("list")) == forest.predict_proba(rows).tolist()
    assert in_another_process(folder, rows.to_dict("list"), "label") == forest.predict(rows).tolist()
    assert forest.n_jobs == 2  # the model in hand is as it was


def test_a_pipeline_that_knows_no_names(frame):
    linear, pipeline = pytest.importorskip("sklearn.linear_model"), pytest.importorskip("sklearn.pipeline")
    from sklearn.preprocessing import StandardScaler

    model = pipeline.make_pipeline(StandardScaler(), linear.LogisticRegression()).fit(frame.to_numpy(), frame.a > 0)
    folder = os.path.abspath(dsql.save_model(model, "m", example=frame.to_numpy()[:5]))
    assert [i["name"] for i in about(folder)["inputs"]] == ["x0", "x1", "x2"]
    assert about(folder)["outputs"] == {"prediction": "DOUBLE[]", "label": "BOOLEAN", "raw": "DOUBLE"}
    rows = frame.to_numpy()[:9]
    assert in_another_process(folder, {f"x{i}": rows[:, i].tolist() for i in range(3)}, "raw") == model.decision_function(rows).tolist()


def test_a_regressor_of_two_targets(frame):
    tree = pytest.importorskip("sklearn.tree")
    model = tree.DecisionTreeRegressor(max_depth=3).fit(frame, frame[["a", "b"]])
    folder = os.path.abspath(dsql.save_model(model, "m", example=frame.head()))
    assert about(folder)["outputs"] == {"prediction": "DOUBLE[]"}
    assert in_another_process(folder, frame.head().to_dict("list")) == model.predict(frame.head()).tolist()


def test_a_function_of_a_module_goes_with_its_modules(own_folder, monkeypatch):
    (own_folder / "shop").mkdir()
    (own_folder / "shop" / "__init__.py").write_text("")
    (own_folder / "shop" / "rates.py").write_text("import decimal\nRATE = 2\n")
    (own_folder / "shop" / "score.py").write_text("from . import rates\nimport numpy as np\n\ndef score(batch):\n    return np.round(batch.x * rates.RATE)\n")
    monkeypatch.syspath_prepend(str(own_folder))
    from shop.score import score

    folder = os.path.abspath(dsql.save_model(score, "m", example=pandas.DataFrame({"x": [1.2, 2.0], "plan": ["a", None]})))
    assert sorted(os.listdir(folder)) == ["model.json", "model.py", "requirements.txt", "shop"]
    assert [i["type"] for i in about(folder)["inputs"]] == ["DOUBLE", "VARCHAR"]
    assert {n.split("==")[0] for n in open(os.path.join(folder, "requirements.txt")).read().split()} == {"numpy", "pandas"}
    assert in_another_process(folder, {"x": [1.2, 4.0], "plan": ["a", "b"]}) == [2.0, 8.0]


def test_a_function_of_a_notebook():
    pytest.importorskip("cloudpickle")
    limit = 15
    folder = os.path.abspath(dsql.save_model(lambda batch: batch.delay > limit, "m", example={"delay": [1, 20]}))
    assert about(folder)["outputs"] == {"prediction": "BOOLEAN"} and about(folder)["inputs"][0]["type"] == "BIGINT"
    assert in_another_process(folder, {"delay": [15, 16]}) == [False, True]


def test_a_function_of_arrays():
    pytest.importorskip("cloudpickle")

    def words(batch: dict[str, numpy.ndarray]):
        return [len(t.split()) for t in batch["text"]]
    folder = os.path.abspath(dsql.save_model(words, "m", example={"text": ["a b", "c"]}))
    assert about(folder)["outputs"] == {"prediction": "BIGINT"} and about(folder)["inputs"] == [{"name": "text", "type": "VARCHAR"}]
    assert in_another_process(folder, {"text": ["a b c"]}) == [3]


def test_without_cloudpickle(monkeypatch):
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(ImportError, match="pip install cloudpickle"):
        dsql.save_model(lambda b: b.x, "m", example=pandas.DataFrame({"x": [1.0]}))
    assert not os.path.exists("m") and not os.path.exists("m.part")


def test_what_it_replaces_stays_until_it_is_whole(frame):
    tree = pytest.importorskip("sklearn.tree")
    model = tree.DecisionTreeRegressor(max_depth=3).fit(frame, frame.a)
    dsql.save_model(model, "m", example=frame.head())
    before = open("m/model.json").read()
    with pytest.raises(Exception):
        dsql.save_model(model, "m", example=frame[["a"]])
    assert open("m/model.json").read() == before
    with pytest.raises(TypeError, match="neither a function"):
        dsql.save_model(42, "m", example=frame)
    dsql.save_model(model, "m/", example=frame.head(), tags={"a": "b"})
    assert about("m")["tags"] == {"a": "b"}


def test_values_without_a_type():
    with pytest.raises(TypeError, match="the column x of the example: values of object have no SQL type"):
        dsql.save_model(len, "m", example=pandas.DataFrame({"x": [object()]}))
