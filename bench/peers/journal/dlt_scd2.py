"""A load of a whole table by dlt's scd2 strategy: dlt_scd2.py LOAD.parquet; the pipeline's folder and file are those it is run in."""
import os
import sys

os.environ.update(RUNTIME__DLTHUB_TELEMETRY='false', RUNTIME__LOG_LEVEL='ERROR')
import dlt  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from dlt.sources.helpers.transform import add_row_hash_to_table  # noqa: E402


@dlt.resource(name='customers', write_disposition={'disposition': 'merge', 'strategy': 'scd2', 'row_version_column_name': 'row_hash'})
def customers():
    yield pq.read_table(sys.argv[1]).drop_columns(['updated_at'])  # it moves without a change in 35,000 rows, and scd2 tracks all columns


dlt.pipeline('p', pipelines_dir='pipelines', destination=dlt.destinations.duckdb('w.duckdb'), dataset_name='d').run(customers().add_map(add_row_hash_to_table('row_hash')))
