"""A model in Python as dsql calls it: what it takes, what it gives, and its values for a batch. One class a format.

This file alone is handed to the workers that score models, so that an interpreter needs nothing of dsql: it imports the standard library,
and what else a format needs where it needs it.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import inspect
import json
import os
import re
import sys
import warnings
from typing import Any

DESCRIPTION = "model.json"
OUTPUTS = ("prediction", "raw", "label")


class Unusable(Exception):
    """Why a file or folder is no model that can be called."""

    missing: str | None = None  # a module that it needs


class Model:
    """inputs are names with SQL types, None where the model doesn't say; outputs have the SQL type of each that there is."""

    inputs: list[tuple[str, str]] | None = None
    outputs: dict[str, str] = {}
    tags: dict[str, str] = {}
    batch = "pandas"  # what predict is given: pandas, arrow, dict

    def predict(self, output: str, batch: Any) -> Any:
        raise NotImplementedError

    def probe(self, inputs: list[tuple[str, str]]) -> None:
        """Finds out what only a call tells."""


class PythonModel(Model):
    """A folder with model.py: predict(batch), and load(path) whose result is predict's second argument, if it takes one. raw and label may
    stand beside predict. model.json says what it takes and gives."""

    def __init__(self, path: str):
        file = os.path.join(path, "model.py")
        if not os.path.isfile(file):
            raise Unusable("the folder has no model.py with a function predict(batch)")
        sys.path.insert(0, path)  # its own modules
        spec = importlib.util.spec_from_file_location("model", file)
        module = importlib.util.module_from_spec(spec)
        sys.modules["model"] = module
        spec.loader.exec_module(module)
        self.functions = {o: getattr(module, "predict" if o == "prediction" else o, None) for o in OUTPUTS}
        if not callable(self.functions["prediction"]):
            raise Unusable("model.py has no function predict(batch)")
        self.state = module.load(path) if hasattr(module, "load") else None
        self.batch = wants(self.functions["prediction"])
        about = description(path)
        if "inputs" in about:
            self.inputs = [(i["name"], i["type"]) for i in about["inputs"]]
        given = about.get("outputs", {})
        self.outputs = {o: given.get(o, "DOUBLE") for o in OUTPUTS if self.functions[o]}
        self.tags = about.get("tags", {})

    def predict(self, output: str, batch: Any) -> Any:
        f = self.functions[output]
        return f(batch, self.state) if len(inspect.signature(f).parameters) > 1 else f(batch)


class SklearnModel(Model):
    """An estimator with scikit-learn's interface, pickled or by joblib. A classifier predicts probabilities, in the order of its classes."""

    def __init__(self, path: str):
        self.of(unpickle(path))

    def of(self, estimator: Any) -> SklearnModel:
        if not hasattr(estimator, "predict"):
            raise Unusable(f"it holds a {type(estimator).__module__}.{type(estimator).__qualname__}, which has no predict")
        self.estimator = estimator
        if hasattr(estimator, "get_params"):  # threads that finish in any order add in any order
            jobs = {k: 1 for k in estimator.get_params() if k.split("__")[-1] == "n_jobs"}
            if jobs:
                estimator.set_params(**jobs)
        names = attribute(estimator, "feature_names_in_")
        self.named = names is not None
        if names is None:
            names = [f"x{i}" for i in range(attribute(estimator, "n_features_in_") or 0)]
        self.inputs = [(str(n), "DOUBLE") for n in names] or None
        classes = attribute(estimator, "classes_")
        self.methods = {"prediction": "predict"}
        self.outputs = {"prediction": "DOUBLE"}
        if classes is not None:
            self.outputs["prediction"] = sql_type(classes)
        if hasattr(estimator, "predict_proba"):
            if classes is None or isinstance(classes, list):
                raise Unusable("it is a classifier of several targets: a model of each is needed")
            self.methods["prediction"], self.outputs["prediction"] = "predict_proba", "DOUBLE[]"
        if classes is not None:
            self.methods["label"], self.outputs["label"] = "predict", sql_type(classes)
        if hasattr(estimator, "decision_function"):
            self.methods["raw"] = "decision_function"
            self.outputs["raw"] = "DOUBLE[]" if classes is not None and len(classes) > 2 else "DOUBLE"
        return self

    def probe(self, inputs: list[tuple[str, str]]) -> None:
        for output in {"prediction", "raw"} & self.methods.keys():
            if not self.outputs[output].startswith("DOUBLE"):  # a class
                continue
            try:
                values = self.predict(output, one_row(inputs))
            except Exception:  # it may want other values than these
                continue
            self.outputs[output] = "DOUBLE[]" if getattr(values, "ndim", 1) > 1 else "DOUBLE"

    def predict(self, output: str, batch: Any) -> Any:
        return getattr(self.estimator, self.methods[output])(batch if self.named else batch.to_numpy())


class CatBoostModel(Model):
    """CatBoost's own file. A classifier predicts probabilities, in the order of its classes."""

    types = {"prediction": "Probability", "label": "Class", "raw": "RawFormulaVal"}

    def __init__(self, path: str):
        import catboost

        self.model = catboost.CatBoost().load_model(path)
        text = {*self.model.get_cat_feature_indices(), *self.model.get_text_feature_indices()}
        self.inputs = [(n, "VARCHAR" if i in text else "DOUBLE") for i, n in enumerate(self.model.feature_names_)]
        self.categories = [n for i, n in enumerate(self.model.feature_names_) if i in text]
        loss = str(self.model.get_all_params().get("loss_function", "")).split(":")[0]
        if loss in ("MultiLogloss", "MultiCrossEntropy"):
            self.outputs = {"prediction": "DOUBLE[]", "raw": "DOUBLE[]"}
        elif loss in ("Logloss", "CrossEntropy", "MultiClass", "MultiClassOneVsAll"):
            raw = "DOUBLE[]" if loss.startswith("Multi") else "DOUBLE"
            self.outputs = {"prediction": "DOUBLE[]", "label": sql_type(self.model.classes_), "raw": raw}
        else:
            given = {"Poisson": "Exponent", "Tweedie": "Exponent", "RMSEWithUncertainty": "RMSEWithUncertainty"}
            self.types = {"prediction": given.get(loss, "RawFormulaVal"), "raw": "RawFormulaVal"}
            several = "DOUBLE[]" if loss.startswith("Multi") or loss == "RMSEWithUncertainty" else "DOUBLE"
            self.outputs = {"prediction": several, "raw": several}

    def predict(self, output: str, batch: Any) -> Any:
        if self.categories:  # it takes texts, and no missing one
            batch = batch.assign(**{n: batch[n].astype(object).where(batch[n].notna(), "") for n in self.categories})
        values = self.model.predict(batch, prediction_type=self.types[output], thread_count=1)
        return values.reshape(len(batch)) if not self.outputs[output].endswith("[]") else values


class MlflowModel(Model):
    """A folder as MLflow saves it: mlflow.pyfunc loads it, its signature says what it takes and gives."""

    types = {"double": "DOUBLE", "float": "FLOAT", "long": "BIGINT", "integer": "INTEGER", "boolean": "BOOLEAN", "string": "VARCHAR",
             "binary": "BLOB", "datetime": "TIMESTAMP", "float64": "DOUBLE", "float32": "FLOAT", "int64": "BIGINT", "int32": "INTEGER",
             "bool": "BOOLEAN", "str": "VARCHAR", "object": "VARCHAR"}

    def __init__(self, path: str):
        if not os.path.isfile(os.path.join(path, "MLmodel")):
            raise Unusable("the folder has no file MLmodel: it isn't as MLflow saves a model")
        import mlflow.pyfunc

        mlflow.pyfunc._warn_dependency_requirement_mismatches = lambda *a, **k: None  # dsql tells them itself
        self.model = mlflow.pyfunc.load_model(path)
        signature = self.model.metadata.signature
        self.outputs = {"prediction": "DOUBLE"}
        self.tensor = False
        if signature is None:
            return
        schema = signature.inputs
        if schema.is_tensor_spec():
            shape = schema.inputs[0].shape
            if len(schema.inputs) != 1 or len(shape) != 2 or shape[1] < 1:
                raise Unusable("its signature has tensors of other shapes than rows and columns")
            self.tensor = True
            self.inputs = [(f"x{i}", self.types[str(schema.inputs[0].type)]) for i in range(shape[1])]
        else:
            self.inputs = [(c.name or f"x{i}", self._type(c.type)) for i, c in enumerate(schema.inputs)]
        if signature.outputs is not None:
            self.outputs = {"prediction": self._given(signature.outputs)}

    def _type(self, t: Any) -> str:
        name = getattr(t, "name", str(t)).lower()
        if name not in self.types:
            raise Unusable(f"its signature has the type {t}, which dsql doesn't hand over")
        return self.types[name]

    def _given(self, schema: Any) -> str:
        if schema.is_tensor_spec():
            t = self.types.get(str(schema.inputs[0].type), "VARCHAR")
            return t + "[]" * (len(schema.inputs[0].shape) - 1)
        if len(schema.inputs) == 1:
            return self._type(schema.inputs[0].type)
        return "STRUCT(" + ", ".join(f'{quoted(c.name or f"c{i}")} {self._type(c.type)}' for i, c in enumerate(schema.inputs)) + ")"

    def predict(self, output: str, batch: Any) -> Any:
        values = self.model.predict(batch.to_numpy() if self.tensor else batch)
        if type(values).__name__ == "DataFrame" and values.shape[1] == 1:
            return values.iloc[:, 0]
        return values


FORMATS = {"python": PythonModel, "mlflow": MlflowModel, "sklearn": SklearnModel, "catboost": CatBoostModel}


# Models by path and format: those of a process, in which this text may be loaded for each function that calls one.
_loaded: dict[tuple[str, str], tuple[Model, list[str]]] = sys.__dict__.setdefault("_dsql_models", {})


def load(path: str, format: str) -> tuple[Model, list[str]]:
    """A model, and what differs between the packages that it was made with and those here."""
    if (path, format) not in _loaded:
        _loaded[path, format] = _load(path, format)
    return _loaded[path, format]


def _load(path: str, format: str) -> tuple[Model, list[str]]:
    differs = differences(path) if os.path.isdir(path) else []
    try:
        with warnings.catch_warnings(record=True) as noted:
            warnings.simplefilter("always")
            model = FORMATS[format](path)
    except ModuleNotFoundError as e:
        unusable = Unusable(f"it needs the package {e.name}, which {sys.executable} doesn't have")
        unusable.missing = e.name
        raise unusable from e
    except Unusable:
        raise
    except Exception as e:
        said = f"{type(e).__name__}: {e}"
        raise Unusable(f"it can't be loaded: {said}" + "".join(f"; {d}" for d in differs)) from e
    for w in noted:
        told = any(d.startswith("scikit-learn ") for d in differs)
        if type(w.message).__name__ == "InconsistentVersionWarning" and not told:
            differs.append(f"scikit-learn {w.message.original_sklearn_version} saved it, and {w.message.current_sklearn_version} is here")
    return model, list(dict.fromkeys(differs))


def describe(path: str, format: str, inputs: list[tuple[str, str]] | None = None) -> dict[str, Any]:
    """What CREATE MODEL asks."""
    model, differs = load(path, format)
    inputs = inputs or model.inputs
    if inputs:
        model.probe(inputs)
    return {"inputs": inputs, "outputs": model.outputs, "tags": model.tags, "differs": differs}


def describer(path: str, format: str, inputs: list[list[str]]) -> Any:
    """What a worker is asked for at CREATE MODEL: a function without arguments."""
    def about() -> str:
        try:
            return json.dumps(describe(path, format, [(n, t) for n, t in inputs] or None))
        except Unusable as e:
            return json.dumps({"unusable": str(e), "missing": e.missing, "python": sys.executable})
    return about


def scorer(path: str, format: str, output: str, returns: str, names: list[str]) -> Any:
    """What a worker is asked for to score: a function of columns."""
    model, _ = load(path, format)

    def score(*columns: pyarrow.Array) -> Any:
        return column_of(model.predict(output, batch_of(model.batch, names, columns)), returns)
    return score


def column_of(values: Any, returns: str) -> Any:
    """What a model gave, as one column: lists of rows of several, and a DataFrame's columns as a STRUCT where that is wanted."""
    import pyarrow

    name = type(values).__name__
    if name == "DataFrame" and not returns.startswith("STRUCT"):
        values = values.to_numpy()
    if name == "Series" and values.dtype != object:  # pandas has no NULL beside NaN
        return pyarrow.Array.from_pandas(values)
    if getattr(values, "ndim", 1) == 2 and name != "DataFrame":
        n, width = values.shape
        if not returns.endswith("[]") and width == 1:
            return values.reshape(n)
        flat = pyarrow.array(values.reshape(n * width))
        return pyarrow.ListArray.from_arrays(pyarrow.array(range(0, n * width + 1, width) if width else [0] * (n + 1), pyarrow.int32()), flat)
    return values


def batch_of(kind: str, names: list[str], columns: list[Any]) -> Any:
    """The columns, arrays of Arrow, as what predict takes."""
    import pyarrow

    if kind == "arrow":
        return pyarrow.table(list(columns), names=names)
    if kind == "dict":
        return {n: c.to_numpy(zero_copy_only=False) for n, c in zip(names, columns)}
    return pyarrow.table(list(columns), names=names).to_pandas()


def wants(f: Any) -> str:
    """What a function's first argument is by its annotation: pandas, arrow or dict."""
    p = next(iter(inspect.signature(f).parameters.values()), None)
    a = p.annotation if p is not None else inspect.Parameter.empty
    text = a if isinstance(a, str) else f"{getattr(a, '__module__', '')}.{getattr(a, '__name__', a)}"
    if re.search(r"\b(pyarrow|pa)\b", text):
        return "arrow"
    return "dict" if re.search(r"\b[dD]ict\b|\bMapping\b", text) else "pandas"


def description(path: str) -> dict[str, Any]:
    try:
        with open(os.path.join(path, DESCRIPTION), encoding="utf-8") as f:
            return json.load(f)
    except FileNotFoundError:
        return {}
    except ValueError as e:
        raise Unusable(f"its {DESCRIPTION} can't be read: {e}") from e


def unpickle(path: str) -> Any:
    with open(path, "rb") as f:
        head = f.read(2)
    try:
        import joblib  # reads plain pickles too

        return joblib.load(path)
    except ModuleNotFoundError as e:
        if e.name != "joblib" or head[:1] != b"\x80":
            raise
    import pickle

    with open(path, "rb") as f:
        return pickle.load(f)


def attribute(estimator: Any, name: str) -> Any:
    """Of a pipeline or a search, what its steps know."""
    try:
        return getattr(estimator, name)
    except AttributeError:
        return None


_pinned = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*===?\s*([^\s;#,]+)")


def differences(path: str) -> list[str]:
    """What requirements.txt and python_env.yaml pin and this interpreter doesn't have, or has otherwise."""
    out = []
    for line in lines(path, "python_env.yaml") or lines(path, "model.json"):
        m = re.match(r'\s*"?python"?:\s*"?(\d+\.\d+)', line)
        if m and m[1] != "%d.%d" % sys.version_info[:2]:
            out.append(f"Python {m[1]} saved it, and {sys.version_info[0]}.{sys.version_info[1]} is here")
    for line in lines(path, "requirements.txt"):
        m = _pinned.match(line)
        if not m:
            continue
        try:
            here = importlib.metadata.version(m[1])
        except importlib.metadata.PackageNotFoundError:
            out.append(f"{m[1]} {m[2]} is asked for, and none is here")
            continue
        if here != m[2]:
            out.append(f"{m[1]} {m[2]} is asked for, and {here} is here")
    return out


def lines(path: str, name: str) -> list[str]:
    try:
        with open(os.path.join(path, name), encoding="utf-8") as f:
            return f.read().splitlines()
    except FileNotFoundError:
        return []


def one_row(inputs: list[tuple[str, str]]) -> Any:
    import pandas

    values = {"VARCHAR": "", "BOOLEAN": False, "BIGINT": 0, "INTEGER": 0}
    return pandas.DataFrame({n: [values.get(t.upper(), 0.0)] for n, t in inputs})


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def sql_type(values: Any) -> str:
    """The SQL type of a column of values: a Series, an array of one or two dimensions, a DataFrame (a STRUCT), a list."""
    if type(values).__name__ == "DataFrame":
        return "STRUCT(" + ", ".join(f"{quoted(str(c))} {sql_type(values[c])}" for c in values.columns) + ")"
    if type(values).__module__.startswith("pyarrow"):
        return sql_type(values.to_pylist())
    dtype = str(getattr(values, "dtype", ""))
    for pattern, t in ((r"^[Ff]loat", "DOUBLE"), (r"^uint64|^UInt64", "UBIGINT"), (r"^[Uu]?[Ii]nt", "BIGINT"), (r"^bool", "BOOLEAN"),
                       (r"^datetime64\[\w+, ", "TIMESTAMP WITH TIME ZONE"), (r"^datetime64", "TIMESTAMP"),
                       (r"^str|^<U|^category", "VARCHAR")):
        if re.search(pattern, dtype):
            return t + "[]" * (getattr(values, "ndim", 1) - 1)
    return _type_of_all([v for v in (values.tolist() if hasattr(values, "tolist") else values)])


def _type_of_all(values: list[Any]) -> str:
    known = [v for v in values if v is not None and v == v]
    types = {type(v) for v in known}
    if types and types <= {bool}:
        return "BOOLEAN"
    if types and types <= {int}:
        return "BIGINT"
    if types and types <= {int, float}:
        return "DOUBLE"
    if types <= {list, tuple} and types:
        return _type_of_all([x for v in known for x in v]) + "[]"
    if types == {dict}:
        keys = list(dict.fromkeys(k for v in known for k in v))
        return "STRUCT(" + ", ".join(f"{quoted(str(k))} {_type_of_all([v.get(k) for v in known])}" for k in keys) + ")"
    names = sorted(t.__name__ for t in types) or ["float"]
    single = {"str": "VARCHAR", "float": "DOUBLE", "datetime": "TIMESTAMP", "Timestamp": "TIMESTAMP", "date": "DATE", "time": "TIME",
              "bytes": "BLOB", "UUID": "UUID", "Decimal": "DECIMAL(38,10)"}
    if len(names) > 1 or names[0] not in single:
        raise Unusable(f"values of {', '.join(names)} have no SQL type")
    return single[names[0]]
