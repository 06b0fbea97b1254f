"""The Python blocks of docs/python.md run, one after the other, and print what the page says."""

import contextlib
import io
import pathlib
import re

import pytest

import dsql

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "python.md"


def test_the_page(own_folder):
    pytest.importorskip("cloudpickle")
    names: dict = {"__name__": "__main__"}
    out = ""
    ran = 0
    for note, language, body in re.findall(r"(?ms)^(?:<!-- ([^\n]*?) -->\n)?```([a-z]*)\n(.*?)^```$", PAGE.read_text()):
        kind, _, name = note.partition(" ")
        if kind == "file":
            (own_folder / name).parent.mkdir(parents=True, exist_ok=True)
            (own_folder / name).write_text(body)
        elif kind == "prints":
            assert out == body
        elif language == "sql" and not kind:
            dsql.run(text=body, db="page.duckdb")
        elif language == "python":
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(body, "docs/python.md", "exec"), names)
            out = printed.getvalue()
            ran += 1
    assert ran >= 3
