"""The steps of a Pipeline before its last one, as a graph of columns, and rows to try a model on. Goes with _tables.py, behind it."""

from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from ._tables import File, Foreign


class Graph:
    """Columns of numbers, each made of one before it; the first are the inputs. An input is a text where a step takes it as one."""

    def __init__(self, file: "File", inputs: int) -> None:
        self.file = file
        self.nodes: list[dict[str, Any]] = []
        self.columns = inputs
        self.root = {i: i for i in range(inputs)}  # of columns that may be texts: which input they are
        self.types: list[str | None] = [None] * inputs
        self.likely: list[list[Any]] = [[] for _ in range(inputs)]  # values that tell rows apart, by input
        self.coded: set[int] = set()  # inputs that have categories
        self.checked: dict[tuple[int, bool], int] = {}

    def add(self, op: str, of: int, columns: int = 1, **more: Any) -> int:
        self.nodes.append({"op": op, "of": of, **more})
        self.columns += columns
        return self.columns - columns

    def need(self, column: int, kind: str) -> None:
        if (root := self.root.get(column)) is None:
            if kind == "text":
                raise Foreign("a step takes numbers that another makes as texts")
            return
        if self.types[root] not in (None, kind):
            raise Foreign(f"its input {root + 1} is both a text and a number")
        self.types[root] = kind

    def text(self, column: int) -> bool:
        return column in self.root and self.types[self.root[column]] == "text"

    def finite(self, column: int, whole: bool = False) -> int:
        """What a step does that refuses infinite values, and (whole) missing ones."""
        self.need(column, "number")
        if (column, whole) not in self.checked:
            self.checked[column, whole] = at = self.add("check", column, whole=whole)
            if column in self.root:
                self.root[at] = self.root[column]
        return self.checked[column, whole]

    def seen(self, features: list[int], feature: Any, thresholds: Any) -> None:
        """A few of the thresholds that inputs are compared with."""
        import numpy as np

        for f, x in zip(feature[:4000].tolist(), thresholds[:4000].tolist()):
            if (root := self.root.get(features[f])) is not None and len(self.likely[root]) < 60 and np.isfinite(x):
                self.likely[root] += [x, float(np.float32(x)), float(np.nextafter(np.float32(x), np.float32(np.inf)))]

    def thresholds(self, features: list[int], trees: list[Any]) -> None:
        for t in trees[:20]:
            inner = t.children_left >= 0
            self.seen(features, t.feature[inner], t.threshold[inner])

    def categories(self, e: Any, features: list[int]) -> list[int]:
        """The columns of a HistGradientBoosting's trees."""
        import numpy as np

        mask = getattr(e, "is_categorical_", None)
        if mask is None or not mask.any():
            return features
        at = np.flatnonzero(mask).tolist()
        preprocessor = getattr(e, "_preprocessor", None)
        if preprocessor is not None:
            encoder = preprocessor.named_transformers_["encoder"]
            codes = [ordinal_of(self, encoder, i, features[j]) for i, j in enumerate(at)]
            return codes + [f for j, f in enumerate(features) if j not in at]
        out = list(features)
        bitsets, places = e._bin_mapper.make_known_categories_bitsets()
        for j in at:  # 256 and more wrap
            known = [c for c in range(256) if bitsets[places[j]][c // 32] >> (c % 32) & 1]
            self.need(features[j], "number")
            if (root := self.root.get(features[j])) is not None:
                self.likely[root] += [*known, 3.0, 255.0, -1.0]
            out[j] = self.code(self.add("byte", features[j]), known, known, "nan", "nan")
        return out

    def code(self, of: int, known: list[Any], values: list[float], unknown: str | None, none: str | None) -> int:
        """A column that has a number for each category: one of values, unknown for others, none where it is missing; None: an error."""
        texts = any(isinstance(c, str) for c in known)
        table: dict[str, Any] = {"texts": known} if texts else {"numbers": self.file.put(known, "f8")}
        return self.add("code", of, values=self.file.put(values, "f8"), unknown=unknown, missing=none, **table)


def prepared(graph: Graph, e: Any, features: list[int] | None = None) -> tuple[Any, list[int], list[str]]:
    """The last step, what it is given, and the names of those before it. features are what the estimator is given, all inputs by default."""
    features, steps = list(range(graph.columns)) if features is None else features, []
    while True:
        name = sklearn_name(e)
        if name == "FrozenEstimator":
            e = e.estimator
        elif name in ("GridSearchCV", "RandomizedSearchCV"):
            e = e.best_estimator_
        elif name == "Pipeline":
            for _, step in e.steps[:-1]:
                features = made(graph, step, features, steps)
            e = e.steps[-1][1]
        else:
            return e, features, steps


def sklearn_name(e: Any) -> str:
    return type(e).__name__ if type(e).__module__.startswith("sklearn.") else ""


def made(graph: Graph, step: Any, features: list[int], steps: list[str]) -> list[int]:
    """The columns that a step makes of columns."""
    if step is None or isinstance(step, str) and step == "passthrough":
        return features
    name = sklearn_name(step)
    if name == "FunctionTransformer" and step.func is None:
        return features
    if name == "Pipeline":
        for _, s in step.steps:
            features = made(graph, s, features, steps)
        return features
    if name == "ColumnTransformer":
        return parted(graph, step, features, steps)
    if name not in STEPS:
        raise Foreign(f"its step {type(step).__name__} is not among those that dsql knows")
    if name not in steps:
        steps.append(name)
    return STEPS[name](graph, step, features)


def parted(graph: Graph, step: Any, features: list[int], steps: list[str]) -> list[int]:
    if step.transformer_weights:
        raise Foreign("its ColumnTransformer has weights")
    out = []
    for name, of, _ in step.transformers_:
        if isinstance(of, str) and of == "drop":
            continue
        columns = [features[i] for i in step._transformer_to_input_indices[name]]
        if columns:
            out += made(graph, of, columns, steps)
    return out


def absent(x: Any) -> bool:
    return x is None or type(x).__name__ == "NAType" or isinstance(x, float) and x != x


def impute(graph: Graph, step: Any, features: list[int]) -> list[int]:
    missing, given = step.missing_values, None
    if not absent(missing):
        if isinstance(missing, str):
            raise Foreign("its SimpleImputer takes a text for missing")
        given = repr(float(missing))
    out, indicated = [], []
    for j, (f, fill) in enumerate(zip(features, step.statistics_.tolist())):
        if isinstance(fill, str):
            graph.need(f, "text")
        elif not absent(fill) or not graph.text(f):
            f = graph.finite(f, whole=given is not None)
        if step.add_indicator and j in step.indicator_.features_:
            indicated.append(graph.add("missing", f, given=given))
        if absent(fill):
            if getattr(step, "keep_empty_features", False):
                raise Foreign("its SimpleImputer keeps a column without values")
            continue
        more = {"text": fill} if isinstance(fill, str) else {"value": repr(float(fill))}
        out.append(graph.add("fill", f, given=given, **more))
        if isinstance(fill, str):
            graph.root[out[-1]] = graph.root[f]
    return out + indicated


def standardize(graph: Graph, step: Any, features: list[int]) -> list[int]:
    out = []
    for j, f in enumerate(features):
        mean = None if step.mean_ is None or not step.with_mean else float(step.mean_[j])
        scale = None if step.scale_ is None else float(step.scale_[j])
        if (root := graph.root.get(f)) is not None:
            graph.likely[root] += [(mean or 0) + (scale or 1) * k / 4 for k in range(-8, 9)]
        out.append(graph.add("standard", graph.finite(f), mean=None if mean is None else repr(mean), scale=None if scale is None else repr(scale)))
    return out


def min_max(graph: Graph, step: Any, features: list[int]) -> list[int]:
    low, high = step.feature_range
    clip = {"low": repr(float(low)), "high": repr(float(high))} if step.clip else {}
    for j, f in enumerate(features):
        if (root := graph.root.get(f)) is not None:
            graph.likely[root] += [float(step.data_min_[j] + step.data_range_[j] * k / 8) for k in range(-1, 10)]
    return [graph.add("affine", graph.finite(f), scale=repr(float(step.scale_[j])), add=repr(float(step.min_[j])), **clip)
            for j, f in enumerate(features)]


def table_of(graph: Graph, column: int, categories: Any) -> tuple[list[Any], int | None]:
    """The categories that are values, and the place of the missing one, which stands last."""
    all_of = categories.tolist()
    known = [c for c in all_of if not absent(c)]
    if len(known) < len(all_of) - 1 or any(absent(c) for c in all_of[:len(known)]):
        raise Foreign("an encoder has two kinds of missing values")
    texts = [isinstance(c, str) for c in known]
    if any(texts) and not all(texts) or not all(isinstance(c, (str, bool, int, float)) for c in known):
        raise Foreign("an encoder has categories that are neither numbers nor texts")
    graph.need(column, "text" if any(texts) else "number")
    if (root := graph.root.get(column)) is not None:
        graph.likely[root] += known[:200]
        graph.coded.add(root)
    return known, len(known) if len(known) < len(all_of) else None


def mapping_of(encoder: Any, j: int) -> Any:
    """What becomes of the places of categories where the infrequent ones are one."""
    return encoder._default_to_infrequent_mappings[j] if getattr(encoder, "_infrequent_enabled", False) else None


def ordinal_of(graph: Graph, encoder: Any, j: int, f: int) -> int:
    known, missing = table_of(graph, f, encoder.categories_[j])
    mapping = mapping_of(encoder, j)
    if mapping is not None and missing is not None:
        raise Foreign("an OrdinalEncoder has infrequent and missing categories")
    values = [float(i if mapping is None else mapping[i]) for i in range(len(known))]
    unknown = repr(float(encoder.unknown_value)) if encoder.handle_unknown == "use_encoded_value" else None
    none = unknown if missing is None else repr(float(encoder.encoded_missing_value))
    return graph.code(f, known, values, unknown, none)


def ordinal(graph: Graph, step: Any, features: list[int]) -> list[int]:
    return [ordinal_of(graph, step, j, checked_numbers(graph, step.categories_[j], f)) for j, f in enumerate(features)]


def checked_numbers(graph: Graph, categories: Any, f: int) -> int:
    return graph.finite(f) if categories.dtype.kind in "iuf" else f


def one_hot(graph: Graph, step: Any, features: list[int]) -> list[int]:
    out = []
    for j, f in enumerate(features):
        known, missing = table_of(graph, f, step.categories_[j])
        mapping, dropped = mapping_of(step, j), None
        if step._drop_idx_after_grouping is not None:
            dropped = step._drop_idx_after_grouping[j]

        def column(i: int) -> float:
            at = i if mapping is None else int(mapping[i])
            if dropped is None:
                return float(at)
            return -1.0 if at == dropped else float(at - (at > dropped))

        unknown = None
        if step.handle_unknown != "error":
            unknown = "-1.0"
            if step.handle_unknown in ("infrequent_if_exist", "warn") and mapping is not None and step.infrequent_categories_[j] is not None:
                unknown = repr(column(int(step.categories_[j].tolist().index(step.infrequent_categories_[j].tolist()[0]))))
        n = int(step._n_features_outs[j])
        code = graph.code(checked_numbers(graph, step.categories_[j], f), known, [column(i) for i in range(len(known))], unknown,
                          unknown if missing is None else repr(column(missing)))
        first = graph.add("onehot", code, columns=n, n=n)
        out += range(first, first + n)
    return out


STEPS: dict[str, Callable[..., list[int]]] = {"SimpleImputer": impute, "StandardScaler": standardize, "MinMaxScaler": min_max,
                                               "OrdinalEncoder": ordinal, "OneHotEncoder": one_hot}


class Sample:
    """Rows on which dsql sees that its own answers are the library's, before it goes without it."""

    n = 64

    def __init__(self, graph: Graph, estimator: Any, names: list[str], named: bool) -> None:
        self.graph, self.estimator, self.names, self.named = graph, estimator, names, named

    def rows(self, file: "File", classifier: bool) -> dict[str, Any]:
        import numpy as np

        random = np.random.default_rng(0)
        columns = [self.values(random, i) for i in range(len(self.names))]
        gone = random.random((len(columns), self.n)) < 0.1
        for holes in (gone, gone & False):
            given = [[None if h else v for v, h in zip(c, hs)] for c, hs in zip(columns, holes)]
            try:
                want = self.asked(given, classifier)
                break
            except ValueError:  # it may refuse missing values
                if not holes.any():
                    raise
        return {"rows": self.n, "prediction": file.put(want, "f8"), "inputs": [
            {"texts": c} if t == "text" else {"numbers": file.put([np.nan if v is None else v for v in c], "f8")}
            for c, t in zip(given, self.graph.types)]}

    def values(self, random: Any, i: int) -> list[Any]:
        likely = self.graph.likely[i]
        if self.graph.types[i] == "text":
            return [str(v) for v in random.choice(likely or [""], self.n)]
        wide = (random.normal(size=self.n) * random.choice([1, 100], self.n)).tolist()
        if not likely:
            return wide
        if i in self.graph.coded:  # others may be unknown
            wide = random.choice(likely, self.n).tolist()
        return [float(w if r < 0.2 else v) for r, w, v in zip(random.random(self.n), wide, random.choice(likely, self.n))]

    def asked(self, columns: list[list[Any]], classifier: bool) -> Any:
        import numpy as np

        arrays = [np.array(c, object if t == "text" else "f8") for c, t in zip(columns, self.graph.types)]
        if self.named:
            import pandas

            batch: Any = pandas.DataFrame(dict(zip(self.names, arrays)))
        else:
            batch = np.column_stack(arrays)
        return self.estimator.predict_proba(batch) if classifier else self.estimator.predict(batch)
