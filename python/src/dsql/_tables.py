"""What a fitted estimator of scikit-learn computes, as tables that dsql scores by itself.

Its text is handed to workers behind that of _model.py (and before that of _steps.py), for CREATE MODEL alone, so that an interpreter needs
nothing of dsql. models/sklearn reads the tables. What isn't known here to the last detail is Foreign: Python goes on to score it.
"""

import json
import warnings
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from ._model import describer, load
    from ._steps import Graph, Sample, prepared, sklearn_name


class Foreign(Exception):
    """Why an estimator has no tables."""


class File:
    """A line that names the format, the length of a JSON text, that text, and the arrays that it names by number."""

    def __init__(self) -> None:
        self.shapes: list[list[Any]] = []
        self.parts: list[bytes] = []

    def put(self, values: Any, dtype: str) -> int:
        import numpy

        a = numpy.ascontiguousarray(values).astype("<" + dtype).ravel()
        self.shapes.append([dtype, len(a)])
        self.parts.append(a.tobytes())
        return len(self.parts) - 1

    def text(self, head: dict[str, Any]) -> bytes:
        said = json.dumps({**head, "arrays": self.shapes}, allow_nan=False).encode()
        return b"".join([b"dsql sklearn 1\n", len(said).to_bytes(8, "little"), said, *self.parts])


def tabler(path: str, format: str, inputs: list[list[str]]) -> Any:
    """What a worker is asked for at CREATE MODEL: what the model says of itself as a line of JSON, and behind it the tables if there are."""
    about = describer(path, format, inputs)

    def tabled() -> bytes:
        said, tables = json.loads(about()), b""
        if format == "sklearn" and "unusable" not in said:
            model: Any = load(path, format)[0]
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    tables = tables_of(model.estimator, [n for n, _ in model.inputs or []], model.named)
            except Foreign as e:
                said["why"] = str(e)
            except Exception as e:
                said["why"] = f"its parts are not as they are known ({type(e).__name__}: {e})"
        return json.dumps(said).encode() + b"\n" + tables
    return tabled


def tables_of(estimator: Any, names: list[str], named: bool) -> bytes:
    """The tables of a fitted estimator, with rows on which they are tried."""
    import sklearn

    file = File()
    graph = Graph(file, len(names))
    final, features, steps = prepared(graph, estimator)
    head = known(final)(file, graph, features, final)
    for f in head["features"]:
        graph.need(f, "number")
    if "finite" not in head:
        head["finite"], head["whole"] = accepts(final, len(features))
    sample = Sample(graph, estimator, names, named)
    return file.text({
        "estimator": type(final).__name__, "steps": steps, "version": sklearn.__version__, "nodes": graph.nodes,
        "named": named, "inputs": [[n, "VARCHAR" if t == "text" else "DOUBLE"] for n, t in zip(names, graph.types)],
        "final": head, "sample": sample.rows(file, classifies(final)),
    })


def known(estimator: Any) -> Callable[..., dict[str, Any]]:
    """What makes tables of an estimator: of scikit-learn's own classes, as a class made of one may do anything."""
    of = type(estimator)
    if not of.__module__.startswith("sklearn."):
        raise Foreign(f"{of.__module__}.{of.__qualname__} is no class of scikit-learn's own")
    for name, table in KINDS.items():
        if of.__name__ == name:
            return table
    raise Foreign(f"{of.__name__} is not among the estimators that dsql knows")


def version() -> tuple[int, ...]:
    import sklearn

    return tuple(int(x) for x in sklearn.__version__.split(".")[:2])


def classifies(estimator: Any) -> bool:
    return hasattr(estimator, "classes_")


def accepts(estimator: Any, features: int) -> tuple[bool, bool]:
    """Whether it refuses infinite values, and missing ones."""
    import numpy

    refuses = []
    for value in (numpy.inf, numpy.nan):
        try:
            estimator.predict(numpy.full((1, features), value))
            refuses.append(False)
        except ValueError:
            refuses.append(True)
    return refuses[0], refuses[1]


def labels(file: File, estimator: Any, rule: str) -> dict[str, Any]:
    """Its classes, and how one is found: the first largest of the raw values or of the probabilities, or a raw value above or at 0."""
    if not classifies(estimator):
        return {}
    classes = estimator.classes_
    if getattr(classes, "ndim", 0) != 1:
        raise Foreign("it has several targets")
    kinds = {"b": "BOOLEAN", "i": "BIGINT", "u": "BIGINT", "f": "DOUBLE", "U": "VARCHAR", "O": "VARCHAR", "T": "VARCHAR"}
    kind = kinds.get(classes.dtype.kind)
    values = classes.tolist()
    if len(values) < 2:
        raise Foreign("it knows one class")
    if kind == "VARCHAR" and not all(isinstance(c, str) for c in values):
        raise Foreign("its classes are neither numbers nor texts")
    if kind is None or kind == "BIGINT" and any(c >= 1 << 63 for c in values):
        raise Foreign(f"its classes are of type {classes.dtype}")
    given: Any = values if kind == "VARCHAR" else file.put(classes, "f8" if kind == "DOUBLE" else "i8")
    return {"classes": {"type": kind, "values": given}, "label": rule}


def one_target(estimator: Any) -> None:
    if getattr(estimator, "n_outputs_", 1) != 1:
        raise Foreign("it has several targets")


def trees(file: File, of: list[tuple[Any, ...]], width: int, **more: Any) -> dict[str, Any]:
    """The trees, each as (leaf: bool, feature, threshold, left, right, missing left, values, cover), by node, and perhaps (category set)."""
    import numpy as np

    sizes, leaves, columns = [], [], [[] for _ in range(9)]
    for leaf, feature, threshold, left, right, missing, values, cover, sets in of:
        inner = ~leaf
        at = np.where(leaf, ~(np.cumsum(leaf) - 1), np.cumsum(inner) - 1)  # a leaf is ^its number
        sizes.append(inner.sum())
        leaves.append(leaf.sum())
        parts = [feature[inner], threshold[inner], at[left[inner]], at[right[inner]], missing[inner], values[leaf], cover[inner], cover[leaf],
                 np.flatnonzero(leaf)]
        for c, part in zip(columns, parts):
            c.append(part)
        if sets is not None:
            more.setdefault("set_parts", []).append(sets[inner])
    whole = [np.concatenate(c) for c in columns]
    head = {"kind": "trees", "width": width, "sizes": file.put(sizes, "i4"), "leaf_counts": file.put(leaves, "i4")}
    counted = all((c == np.round(c)).all() and c.max(initial=0) < 1 << 32 for c in whole[6:8])
    dtypes = ["i4", "f8", "i4", "i4", "u1", "f8", "u4" if counted else "f8", "u4" if counted else "f8", "i4"]
    for name, a, dtype in zip(["feature", "threshold", "left", "right", "missing", "values", "cover", "leaf_cover", "names"], whole, dtypes):
        head[name] = file.put(a, dtype)
    if "set_parts" in more:
        head["category"] = file.put(np.concatenate(more.pop("set_parts")), "i4")
    return {**head, **more}


def nodes_of(tree: Any, values: Any) -> tuple[Any, ...]:
    """A tree of scikit-learn's, with values by node."""
    s = tree.__getstate__()["nodes"]
    leaf = s["left_child"] == -1
    missing = s["missing_go_to_left"] if "missing_go_to_left" in s.dtype.names else s["left_child"] * 0
    return leaf, s["feature"], s["threshold"], s["left_child"], s["right_child"], missing, values, s["weighted_n_node_samples"], None


def leaf_values(tree: Any, classes: int) -> Any:
    """Of a classifier (classes > 0) what its predict_proba gives at each node, else its value."""
    values = tree.tree_.value
    if values.shape[1] != 1:
        raise Foreign("it has several targets")
    values = values[:, 0, :]
    if not classes:
        return values[:, :1]
    values = values[:, :classes]
    if version() < (1, 4):  # predict_proba divides there, alike for all rows of a leaf
        total = values.sum(axis=1)[:, None]
        total[total == 0.0] = 1.0
        values = values / total
    return values


def tree(file: File, graph: Any, features: list[int], e: Any) -> dict[str, Any]:
    one_target(e)
    head = labels(file, e, "proba")
    classes = len(e.classes_) if head else 0
    graph.thresholds(features, [e.tree_])
    # -0.0 is what nothing is added to: -0.0 + x is x, for each x
    more = {"base": file.put([-0.0] * max(classes, 1), "f8"), "features": features, "single": True, "link": "identity", **head}
    return trees(file, [nodes_of(e.tree_, leaf_values(e, classes))], max(classes, 1), **more)


def forest(file: File, graph: Any, features: list[int], e: Any) -> dict[str, Any]:
    one_target(e)
    head = labels(file, e, "proba")
    classes = len(e.classes_) if head else 0
    if any(not type(t).__module__.startswith("sklearn.") for t in e.estimators_):
        raise Foreign("its trees are no classes of scikit-learn's own")
    graph.thresholds(features, [t.tree_ for t in e.estimators_])
    more = {"base": file.put([0.0] * max(classes, 1), "f8"), "divisor": len(e.estimators_), "features": features, "single": True,
            "link": "identity", **head}
    return trees(file, [nodes_of(t.tree_, leaf_values(t, classes)) for t in e.estimators_], max(classes, 1), **more)


def boosting(file: File, graph: Any, features: list[int], e: Any) -> dict[str, Any]:
    """GradientBoosting: the trees' values times the learning rate, each product rounded, on top of what init gives every row."""
    import numpy as np

    if not (isinstance(e.init_, str) and e.init_ == "zero") and type(e.init_).__name__ not in ("DummyClassifier", "DummyRegressor"):
        raise Foreign(f"its init is a {type(e.init_).__name__}")
    outputs = e.estimators_.shape[1]
    base = e._raw_predict_init(np.zeros((1, len(features)), np.float32)).ravel()
    link = "identity"
    if classifies(e):
        link = ("twice_logistic" if e.loss == "exponential" else "logistic") if outputs == 1 else "softmax"
    rule = "proba" if version() < (1, 4) else "not_negative" if outputs == 1 else "raw"
    all_trees = [t.tree_ for row in e.estimators_ for t in row]
    graph.thresholds(features, all_trees)
    return trees(file, [nodes_of(t, e.learning_rate * t.value[:, 0, :]) for t in all_trees], 1, base=file.put(base, "f8"), raw=True,
                 features=features, single=True, link=link, **labels(file, e, rule))


def hist_boosting(file: File, graph: Any, features: list[int], e: Any) -> dict[str, Any]:
    """HistGradientBoosting. From 1.4 on it reorders its columns: those with categories first, as codes."""
    import numpy as np

    features = graph.categories(e, features)
    of, sets, first = [], [], 0
    for p in (p for row in e._predictors for p in row):
        s = p.nodes
        bits = np.asarray(p.raw_left_cat_bitsets, "u4").reshape(-1, 8)
        category = np.where(s["is_categorical"] != 0, s["bitset_idx"].astype("i8") + first, -1)
        first += len(bits)
        sets.append(bits)
        of.append((s["is_leaf"] != 0, s["feature_idx"], s["num_threshold"], s["left"], s["right"], s["missing_go_to_left"], s["value"][:, None],
                   s["count"].astype("f8"), category))
    for s, (feature, threshold, category) in ((p[0], (p[1], p[2], p[8])) for p in of):
        graph.seen(features, feature[~s & (category < 0)], threshold[~s & (category < 0)])
    outputs = e.n_trees_per_iteration_
    base = np.zeros(outputs) + np.asarray(e._baseline_prediction, "f8").ravel()
    link = "identity"
    if classifies(e):
        link = "logistic" if outputs == 1 else "softmax"
    elif e.loss in ("poisson", "gamma"):
        link = "exp"
    elif e.loss not in ("squared_error", "absolute_error", "quantile"):
        raise Foreign(f"its loss is {e.loss}")
    rule = "proba" if version() < (1, 5) else "positive" if outputs == 1 else "raw"
    head = trees(file, of, 1, base=file.put(base, "f8"), sets=file.put(np.concatenate(sets), "u4"), raw=True, features=features, single=False,
                 link=link, finite=False, whole=False, **labels(file, e, rule))
    del head["names"]  # it has no apply
    return head


def linear(file: File, graph: Any, features: list[int], e: Any) -> dict[str, Any]:
    import numpy as np

    coef, head = np.asarray(e.coef_, "f8"), labels(file, e, "raw")
    if coef.ndim == 2 and not head:
        raise Foreign("it has several targets")
    coef = coef.reshape(-1, len(features))
    intercept = np.zeros(len(coef)) + np.asarray(e.intercept_, "f8")
    link = "identity"
    if head:
        way = e.get_params().get("multi_class", "auto")
        apart = way in ("ovr", "warn") or e.solver == "liblinear" or len(e.classes_) <= 2 and way != "multinomial"
        link = "logistic" if len(coef) == 1 else "apart" if apart else "softmax"
        if not apart and len(coef) == 1:
            link = "twice_logistic"  # a softmax of -x and x
        head["label"] = "positive" if len(coef) == 1 else "raw"
    return {"kind": "linear", "features": features, "coef": file.put(coef, "f8"), "base": file.put(intercept, "f8"), "link": link, "raw": bool(head),
            **head}


def margins(file: File, graph: Any, features: list[int], e: Any) -> dict[str, Any]:
    """The decision_function of a linear classifier without probabilities, as a calibrated one has."""
    import numpy as np

    coef = np.asarray(e.coef_, "f8").reshape(-1, len(features))
    return {"kind": "linear", "features": features, "coef": file.put(coef, "f8"), "link": "identity", "raw": True,
            "base": file.put(np.zeros(len(coef)) + np.asarray(e.intercept_, "f8"), "f8")}


def calibrated(file: File, graph: Any, features: list[int], e: Any) -> dict[str, Any]:
    """The average of estimators, each with calibrators that make probabilities of its decision_function, or of its own probabilities."""
    import numpy as np

    head, parts = labels(file, e, "proba"), []
    for c in e.calibrated_classifiers_:
        final, columns, _ = prepared(graph, c.estimator, features)
        numbered = e.method == "temperature" and np.array_equal(final.classes_, np.arange(len(e.classes_)))  # of classes that are texts
        if not numbered and not np.array_equal(final.classes_, e.classes_):
            raise Foreign("one of its estimators knows other classes")
        make = MARGINS.get(sklearn_name(final)) or known(final)
        part = make(file, graph, columns, final)
        if part["kind"] == "calibrated":
            raise Foreign("what it calibrates is calibrated")
        for f in part["features"]:
            graph.need(f, "number")
        if "finite" not in part:
            part["finite"], part["whole"] = accepts(final, len(columns))
        part["classes"] = None
        margins = hasattr(c.estimator, "decision_function")
        parts.append({"final": part, "calibrators": [curve(file, k, margins) for k in c.calibrators]})
    base = file.put([0.0] * len(e.classes_), "f8")
    return {"kind": "calibrated", "features": [], "parts": parts, "base": base, "divisor": len(parts), "link": "identity",
            "finite": False, "whole": False, **head}


def curve(file: File, calibrator: Any, margins: bool) -> dict[str, Any]:
    """A sigmoid's slope and intercept, the points of an isotonic regression, or an inverse temperature, of margins or of probabilities."""
    import numpy as np

    of = type(calibrator).__name__
    if of == "_SigmoidCalibration":
        return {"sigmoid": file.put([calibrator.a_, calibrator.b_], "f8")}
    if of == "_TemperatureScaling":
        if np.asarray(calibrator.beta_).dtype != "f8":
            raise Foreign("a calibrator's temperature is float32")
        return {"temperature": file.put([calibrator.beta_], "f8"), "margins": margins}
    if of != "IsotonicRegression" or calibrator.out_of_bounds != "clip":
        raise Foreign(f"a calibrator is a {of}")
    x, y = calibrator.X_thresholds_, calibrator.y_thresholds_
    if np.asarray(x).dtype != "f8" or np.asarray(y).dtype != "f8":
        raise Foreign("a calibrator's points are float32")
    return {"x": file.put(x, "f8"), "y": file.put(y, "f8")}


MARGINS: dict[str, Callable[..., dict[str, Any]]] = dict.fromkeys(["LinearSVC", "SGDClassifier", "RidgeClassifier"], margins)
KINDS: dict[str, Callable[..., dict[str, Any]]] = {
    "CalibratedClassifierCV": calibrated,
    **dict.fromkeys(["DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor"], tree),
    **dict.fromkeys(["RandomForestClassifier", "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor"], forest),
    **dict.fromkeys(["GradientBoostingClassifier", "GradientBoostingRegressor"], boosting),
    **dict.fromkeys(["HistGradientBoostingClassifier", "HistGradientBoostingRegressor"], hist_boosting),
    **dict.fromkeys(["LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "ElasticNetCV", "LogisticRegression",
                     "LogisticRegressionCV", "QuantileRegressor", "HuberRegressor", "SGDRegressor", "LinearSVR"], linear),
}
