"""Tests run against the installed wheel, each in a folder of its own."""

import pytest


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DSQL_DB", raising=False)
    return tmp_path
