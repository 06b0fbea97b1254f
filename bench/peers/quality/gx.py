"""The twelve checks as a suite of Great Expectations."""
import os
os.environ['GX_ANALYTICS_ENABLED'] = 'false'
import great_expectations as gx
import great_expectations.expectations as E
import great_expectations.execution_engine.sqlalchemy_execution_engine as engine

# DuckDB is no dialect that it knows; a connection in memory of its own for each query would not see the file.
engine._PERSISTED_CONNECTION_DIALECTS = tuple(engine._PERSISTED_CONNECTION_DIALECTS) + (type('Dialect', (str,), {'value': 'duckdb'})('duckdb'),)


class Orphans(E.UnexpectedRowsExpectation):
    unexpected_rows_query: str = 'SELECT 1 FROM {batch} o LEFT JOIN customers_ref c ON o.customer_id = c.id WHERE c.id IS NULL HAVING count(*) > 100'


class Sku(E.UnexpectedRowsExpectation):  # its own expectation for this has no words for DuckDB
    unexpected_rows_query: str = "SELECT 1 FROM {batch} WHERE NOT regexp_full_match(sku, 'SKU-[0-9]{{5}}')"


class Voided(E.UnexpectedRowsExpectation):
    unexpected_rows_query: str = "SELECT 1 FROM {batch} WHERE status = 'void' AND amount > 499.99 HAVING count(*) >= 1000"


context = gx.get_context(mode='ephemeral')
context.variables.progress_bars = {'globally': False}
table = context.data_sources.add_sql('d', connection_string='duckdb:///./w.duckdb').add_table_asset('orders', table_name='orders')
suite = context.suites.add(gx.ExpectationSuite('s', expectations=[
    E.ExpectTableRowCountToBeBetween(min_value=4000000, max_value=6000000), E.ExpectColumnValuesToNotBeNull(column='amount', mostly=.98),
    E.ExpectColumnValuesToBeUnique(column='order_id'), E.ExpectColumnValuesToBeInSet(column='status', value_set=['new', 'paid', 'shipped', 'done', 'void']),
    E.ExpectColumnValuesToBeBetween(column='qty', min_value=1, max_value=9), Sku(),
    E.ExpectColumnMaxToBeBetween(column='created_at', min_value='2025-06-29'), Orphans(), E.ExpectColumnMeanToBeBetween(column='amount', min_value=243.9, max_value=256),
    E.ExpectTableColumnsToMatchSet(column_set=['order_id', 'customer_id', 'status', 'amount', 'qty', 'sku', 'country', 'created_at']),
    E.ExpectColumnProportionOfUniqueValuesToBeBetween(column='order_id', min_value=.999), Voided()]))
validation = context.validation_definitions.add(gx.ValidationDefinition(name='v', data=table.add_batch_definition_whole_table('w'), suite=suite))
bad = [(r.expectation_config.type, str(r.exception_info)[-300:]) for r in validation.run(result_format='BOOLEAN_ONLY').results if not r.success]
raise SystemExit('failed: %s' % bad if bad else 0)
