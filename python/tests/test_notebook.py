import os
import subprocess
import sys

import pytest

import dsql

pytest.importorskip("IPython")


@pytest.fixture
def shell(own_folder):
    from IPython.testing.globalipapp import get_ipython, start_ipython

    shell = start_ipython() or get_ipython()
    shell.reset()
    shell.run_line_magic("load_ext", "dsql")
    return shell


def cell(shell, text):
    return shell.run_cell(text, store_history=True)


def test_a_cell(shell, capsys):
    pytest.importorskip("pandas")
    os.mkdir("in")
    with open("in/1.csv", "w") as f:
        f.write("id,qty\n1,5\n2,6\nx,7\n")
    done = cell(shell, "%%dsql shop.duckdb\nCREATE SOURCE i (id BIGINT, qty INTEGER) FROM FILES ('in/*.csv');\nCREATE STREAM s FROM i;\nREFRESH;\n"
                "SELECT count(*) AS n FROM s;\nSELECT id FROM s ORDER BY id;")
    said = capsys.readouterr()
    assert list(done.result.id) == [1, 2]
    assert "s: 2 written" in said.err and "1 bad" in said.err
    assert cell(shell, "%%dsql\nSELECT sum(qty) AS q FROM s").result.q[0] == 11  # the file is the last one's
    dsql.run(text="SELECT 1", db="shop.duckdb")  # and open only while a cell runs


def test_an_error_has_its_place_in_the_cell(shell, capsys):
    n = shell.execution_count
    done = cell(shell, "%%dsql a.duckdb\nSELECT 1;\nSELECT nme FROM (SELECT 1 AS name);")
    assert isinstance(done.error_in_exec, dsql.Error)
    assert (done.error_in_exec.file, done.error_in_exec.line, done.error_in_exec.column) == (f"cell [{n}]", 2, 8)
    said = "".join(capsys.readouterr())
    assert f"cell [{n}]:2:8: error: " in said and "^^^" in said and "_run.py" not in said


def test_a_notebook_runs(own_folder):
    """As nbconvert --execute does, in a kernel of its own."""
    pytest.importorskip("ipykernel")
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    cells = ["%load_ext dsql", "%%dsql n.duckdb\nSELECT 42 AS answer;", "_.answer[0] + 1"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    nbclient.NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(own_folder)}}).execute()
    assert "answer" in notebook.cells[1].outputs[-1]["data"]["text/html"]
    assert notebook.cells[2].outputs[-1]["data"]["text/plain"].endswith("43)") or notebook.cells[2].outputs[-1]["data"]["text/plain"] == "43"
