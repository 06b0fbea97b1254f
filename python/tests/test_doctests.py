"""Every example in a docstring runs."""

import doctest
import importlib
import pkgutil

import pytest

import dsql


@pytest.mark.parametrize("name", [m.name for m in pkgutil.iter_modules(dsql.__path__)])
def test_examples(name):
    if name in ("_connect", "_save"):
        pytest.importorskip("duckdb" if name == "_connect" else "pandas")
    assert doctest.testmod(importlib.import_module(f"dsql.{name}")).failed == 0


@pytest.mark.parametrize("name", dsql.__all__)
def test_what_is_public_is_explained(name):
    assert getattr(dsql, name).__doc__
    if name in ("run", "connect", "program", "save_model", "Result", "Error"):
        assert ">>> " in getattr(dsql, name).__doc__
