"""dsql from Python: scripts run, their results as typed values, models saved so that SQL can call them, and ``%%dsql`` in a notebook.

The work is done by the program ``dsql``, which comes with this package; nothing else is needed. pandas, duckdb and pyarrow are imported
only by what gives or takes them.
"""

from ._connect import connect
from ._program import program
from ._report import Report, report
from ._run import Change, Error, Problem, Result, Rows, Run, Version, run
from ._save import save_model
from ._types import Column

__all__ = [
    "Change", "Column", "Error", "Problem", "Report", "Result", "Rows", "Run", "Version", "connect", "program", "report", "run", "save_model",
]


def load_ipython_extension(shell) -> None:
    """What ``%load_ext dsql`` calls."""
    from ._notebook import register

    register(shell)
