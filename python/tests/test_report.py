import os

import pytest

import dsql

SCRIPT = """CREATE SOURCE i (id BIGINT, qty INTEGER) FROM FILES ('in/*.csv');
CREATE STREAM sold RULES (CONSTRAINT some EXPECT (qty > 0)) FROM i;
CREATE JOURNAL last_qty KEYS (id) SEQUENCE BY qty FROM i;
"""


@pytest.fixture
def shop(own_folder):
    os.mkdir("in")
    with open("in/1.csv", "w") as f:
        f.write("id,qty\n1,5\n2,6\n3,-1\n")
    return dsql.run(text=SCRIPT, db="shop.duckdb")


def test_a_file(shop):
    page = dsql.report("shop.duckdb")
    assert page.html.lstrip().lower().startswith("<!doctype html>") and "sold" in page.html and "last_qty" in page.html
    page.save("r.html")
    assert open("r.html", encoding="utf-8").read() == page.html


def test_in_a_notebook_it_has_a_frame_of_its_own(shop):
    shown = dsql.report("shop.duckdb", select="sold")._repr_html_()
    assert shown.startswith("<iframe sandbox srcdoc=") and shown.count("<") == 2  # all else is escaped: nothing of the page gets out
    assert "sold" in shop._repr_html_()


def test_a_run_that_wrote_nothing_has_no_picture(own_folder):
    assert dsql.run(text="SELECT 1", db="none.duckdb")._repr_html_() is None


def test_a_key(shop):
    assert "last_qty" in dsql.report("shop.duckdb", select=["last_qty"], key="2").html


def test_what_is_wrong_is_told(shop):
    with pytest.raises(ValueError, match="did you mean sold|has: sold|it has"):
        dsql.report("shop.duckdb", select="solt")
    with pytest.raises(ValueError, match="there is no file"):
        dsql.report("nothing.duckdb")


def test_a_file_that_is_gone_leaves_the_account(shop):
    os.remove("shop.duckdb")
    assert shop._repr_html_() is None
