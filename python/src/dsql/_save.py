"""Models saved as folders that ``CREATE MODEL … FORMAT python`` takes."""

from __future__ import annotations

import ast
import importlib.metadata
import inspect
import io
import json
import os
import pickle
import shutil
import sys
import sysconfig
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ._model import DESCRIPTION, SklearnModel, Unusable, sql_type, wants

_estimator = '''"""A model of {what}, written by dsql.save_model."""

import os

import joblib


def load(path):
    return joblib.load(os.path.join(path, "model.joblib"))
'''

_method = '''

def {name}(batch, model):
    return model.{method}({batch})
'''

_pickled = '''"""A function, written by dsql.save_model."""

import os
import pickle


def load(path):
    with open(os.path.join(path, "model.pkl"), "rb") as f:
        return pickle.load(f)


def predict(batch{annotation}, function):
    return function(batch)
'''

_imported = '''"""A function, written by dsql.save_model."""

from {module} import {name}{as_predict}
'''


def save_model(model: Any, path: str | os.PathLike[str], *, example: Any, tags: Mapping[str, str] | None = None) -> str:
    """Saves a model as a folder for ``CREATE MODEL name FROM 'path' FORMAT python``, and returns the folder's path.

    model is an estimator with scikit-learn's interface (a classifier predicts probabilities; ``OUTPUT label`` and ``raw`` are there), or a
    function of a batch that returns a value a row. The batch is what example is, or what the function's annotation says: a DataFrame, a
    pyarrow.Table, a dict of arrays. The model is called once, on example, a few rows of its inputs: their names and types, and those of
    what comes back, are the SQL function's. Functions of modules of your own are saved as those modules' text; others, and what a notebook
    defines, by the package cloudpickle.

    The folder has model.py, what it loads, model.json (inputs, outputs, tags) and requirements.txt with the versions in use: another
    interpreter is compared with them.

    >>> import dsql
    >>> def late(batch: dict):
    ...     return batch["delay"] > 15
    >>> folder = dsql.save_model(late, "late", example={"delay": [3.0, 40.0]}, tags={"owner": "ops"})
    >>> dsql.run(text='''
    ...     CREATE MODEL late FROM 'late' FORMAT python;
    ...     SELECT late(20.0) AS late, late(2.0) AS early;''', db="late.duckdb").results[0].rows   # doctest: +SKIP
    [(True, False)]
    """
    path = os.fspath(path)
    sample = _sample(model, example)
    inputs = _inputs(sample)
    estimator = hasattr(model, "predict") and not inspect.isroutine(model)
    if not estimator and not callable(model):
        raise TypeError(f"a {type(model).__name__} is neither a function nor has it a method predict")
    part = path.rstrip("/\\") + ".part"
    shutil.rmtree(part, ignore_errors=True)
    os.makedirs(part)
    try:
        if estimator:
            outputs, modules = _save_estimator(model, part, sample)
        else:
            outputs, modules = {"prediction": sql_type(model(sample))}, _save_function(model, part)
        kept = _copy_local(modules, part)
        about = {"inputs": [{"name": n, "type": t} for n, t in inputs], "outputs": outputs, "tags": dict(tags or {}),
                 "python": "%d.%d" % sys.version_info[:2]}
        _write(part, DESCRIPTION, json.dumps(about, indent=2, ensure_ascii=False) + "\n")
        needs = modules | kept | ({"pandas"} if type(sample).__name__ == "DataFrame" else {"numpy"} if isinstance(sample, dict) else set())
        _write(part, "requirements.txt", "".join(f"{n}=={v}\n" for n, v in _versions(needs)))
        shutil.rmtree(path, ignore_errors=True)
        os.replace(part, path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return path


def _sample(model: Any, example: Any) -> Any:
    """example as the batch that model will get."""
    kind = wants(model) if inspect.isroutine(model) else "pandas"
    name = type(example).__name__
    if kind == "dict" and isinstance(example, Mapping):
        import numpy

        return {k: numpy.asarray(v) for k, v in example.items()}
    if kind == "pandas" and name != "DataFrame":
        import pandas

        if name == "Table":
            return example.to_pandas()
        columns = None if isinstance(example, Mapping) else [f"x{i}" for i in range(example.shape[1])]
        return pandas.DataFrame(example, columns=columns)
    if kind == "dict":
        return {str(c): example[c].to_numpy() for c in (example.column_names if name == "Table" else example.columns)}
    if kind == "arrow" and name != "Table":
        import pyarrow

        return pyarrow.table(example) if isinstance(example, Mapping) else pyarrow.Table.from_pandas(example, preserve_index=False)
    return example


def _inputs(sample: Any) -> list[tuple[str, str]]:
    names = sample.column_names if hasattr(sample, "column_names") else list(sample)
    out = []
    for n in names:
        try:
            out.append((str(n), sql_type(sample[n])))
        except Unusable as e:
            raise TypeError(f"the column {n} of the example: {e}") from e
    return out


def _save_estimator(model: Any, folder: str, sample: Any) -> tuple[dict[str, str], set[str]]:
    import joblib

    as_called = SklearnModel.__new__(SklearnModel).of(pickle.loads(pickle.dumps(model)))
    joblib.dump(as_called.estimator, os.path.join(folder, "model.joblib"))
    batch = "batch" if as_called.named else "batch.to_numpy()"
    text = _estimator.format(what=f"{type(model).__module__}.{type(model).__qualname__}")
    outputs = {}
    for output, method in as_called.methods.items():
        outputs[output] = sql_type(as_called.predict(output, sample))
        text += _method.format(name="predict" if output == "prediction" else output, method=method, batch=batch)
    _write(folder, "model.py", text)
    return outputs, _modules_of(model) | {"joblib"}


def _save_function(f: Callable[..., Any], folder: str) -> set[str]:
    module = sys.modules.get(getattr(f, "__module__", "") or "")
    name = getattr(f, "__qualname__", "")
    if module is not None and module.__name__ != "__main__" and getattr(module, name, None) is f:
        as_predict = "" if name == "predict" else " as predict"
        _write(folder, "model.py", _imported.format(module=module.__name__, name=name, as_predict=as_predict))
        return {module.__name__}
    try:
        import cloudpickle
    except ImportError as e:
        raise ImportError(f"{name or f} isn't a function of a module, and to save it needs the package cloudpickle: "
                          "pip install cloudpickle, or put it into a file of its own") from e
    with open(os.path.join(folder, "model.pkl"), "wb") as out:
        cloudpickle.dump(f, out)
    kind = wants(f) if inspect.isroutine(f) else "pandas"
    _write(folder, "model.py", _pickled.format(annotation={"arrow": ': "pyarrow.Table"', "dict": ": dict"}.get(kind, "")))
    return _used(getattr(f, "__code__", None), getattr(f, "__globals__", {})) | {"cloudpickle"}


def _used(code: types.CodeType | None, names: Mapping[str, Any]) -> set[str]:
    """The modules that a function's text names: by its globals, and by imports within."""
    out: set[str] = set()
    for n in code.co_names if code is not None else ():
        v = names.get(n)
        if isinstance(v, types.ModuleType):
            out.add(v.__name__)
        elif v is not None:
            out.add(getattr(v, "__module__", None) or "builtins")
        elif n in sys.modules:
            out.add(n)
    for inner in code.co_consts if code is not None else ():
        if isinstance(inner, types.CodeType):
            out |= _used(inner, names)
    return out - {"__main__"}


class _Modules(pickle.Pickler):
    """Finds the modules of all classes and functions that a pickle names."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO())
        self.found: set[str] = set()

    def reducer_override(self, obj: Any) -> Any:
        module = obj.__module__ if isinstance(obj, (type, types.FunctionType)) else type(obj).__module__
        self.found.add(module or "builtins")
        return NotImplemented


def _modules_of(model: Any) -> set[str]:
    p = _Modules()
    p.dump(model)
    return p.found


def _copy_local(modules: Iterable[str], folder: str) -> set[str]:
    """Copies the modules of the user's own, and those that they import, into the folder; gives the others that those import."""
    others: set[str] = set()
    todo, seen = list(modules), set()
    while todo:
        name = todo.pop()
        module = sys.modules.get(name)
        if name in seen:
            continue
        seen.add(name)
        file = getattr(module, "__file__", None)
        if file is None or not _own(file):
            others.add(name)
            continue
        target = os.path.join(folder, *name.split(".")) + ".py"
        if os.path.basename(file) == "__init__.py":
            target = os.path.join(folder, *name.split("."), "__init__.py")
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(file, target)
        if "." in name:
            todo.append(name.rpartition(".")[0])
        todo += _imports(file, name)
    return others


def _own(file: str) -> bool:
    paths = sysconfig.get_paths()
    theirs = {paths[k] for k in ("stdlib", "platstdlib", "purelib", "platlib")}
    theirs.add(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    file = os.path.abspath(file)
    return file.endswith(".py") and not any(file.startswith(os.path.abspath(t) + os.sep) for t in theirs)


def _imports(file: str, name: str) -> list[str]:
    """What a module's text imports, wherever in it."""
    with open(file, encoding="utf-8") as f:
        tree = ast.parse(f.read())
    package = name if os.path.basename(file) == "__init__.py" else name.rpartition(".")[0]
    out = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            out += [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")
            base = ".".join(above[:len(above) - node.level + 1]) if node.level else ""
            full = ".".join(x for x in (base, node.module) if x)
            out += [full, *(f"{full}.{a.name}" for a in node.names if f"{full}.{a.name}" in sys.modules)]
    return [m for m in out if m]


def _versions(modules: Iterable[str]) -> list[tuple[str, str]]:
    """The distributions that modules are of, with their versions."""
    by_module = importlib.metadata.packages_distributions()
    names = {d for m in modules for d in by_module.get(m.split(".")[0], ())} - {"dsql"}
    return sorted(((d, importlib.metadata.version(d)) for d in names), key=lambda x: x[0].lower())


def _write(folder: str, name: str, text: str) -> None:
    with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
        f.write(text)
