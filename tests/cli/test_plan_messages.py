"""What is said of tasks that raise, and of plans that do not fit what they read."""


def test_task_that_raises_while_it_is_planned(project, says):
    project.edit("tasks/sales.py", "amount=orders.amount.sum()", "amount=1 / 0")
    assert says("build", project.root).code == 2


def test_helper_that_raises_while_a_task_is_planned(project, says):
    project.write("tasks/helpers.py", "def wide(text):\n    return int(text) + 1\n")
    project.edit("tasks/sales.py", "import ibis\n", "import ibis\nfrom tasks.helpers import wide\n")
    project.edit("tasks/sales.py", "amount=orders.amount.sum()", 'amount=wide("ten")')
    assert says("build", project.root).code == 2


def test_task_that_exits(project, says):
    project.edit(
        "tasks/sales.py", '    orders = catalog.table("orders")\n', "    raise SystemExit(3)\n"
    )
    assert says("plan", project.root).code == 2


def test_task_that_takes_no_catalog(project, says):
    project.edit("tasks/sales.py", "def sales(catalog: Catalog)", "def sales()")
    assert says("plan", project.root).code == 2


def test_task_that_returns_nothing(project, says):
    project.edit("tasks/sales.py", "return orders.group_by", "orders.group_by")
    assert says("build", project.root).code == 2


def test_task_that_returns_a_column(project, says):
    project.edit(
        "tasks/sales.py", ".agg(amount=orders.amount.sum())", ".agg(a=orders.amount.sum()).a"
    )
    assert says("build", project.root).code == 2


def test_variable_that_is_not_declared(project, says):
    project.edit("tasks/sales.py", 'catalog.var("region")', 'catalog.var("regoin")')
    assert says("build", project.root).code == 2


def test_dataset_that_is_not_known_to_a_function(project, says):
    project.edit("tasks/sales.py", 'catalog.table("v_orders")', 'catalog.table("v_order")')
    assert says("build", project.root).code == 2


def test_dataset_that_is_not_known_to_sql(project, says):
    project.edit("tasks/top.sql", "FROM sales AS s", "FROM salse AS s")
    assert says("build", project.root).code == 2


def test_all_unknown_datasets_of_all_tasks(project, says):
    project.edit("tasks/sales.py", 'catalog.table("v_orders")', 'catalog.table("v_order")')
    project.edit("tasks/top.sql", "FROM sales AS s", "FROM sale AS s")
    assert says("build", project.root).stderr.count("error[E203]") == 2


def test_column_removed_upstream_as_an_attribute(project, says):
    project.edit("tasks/sales.py", "orders.region == catalog", "orders.regions == catalog")
    assert says("build", project.root).code == 2


def test_column_that_a_step_before_left_out(project, says):
    project.edit(
        "tasks/sales.py", "return orders.group_by", 'return orders.drop("amount").group_by'
    )
    project.edit("tasks/sales.py", "orders.amount.sum()", "ibis._.amount.sum()")
    assert says("build", project.root).code == 2


def test_method_that_does_not_exist(project, says):
    project.edit("tasks/sales.py", "orders.amount.sum()", "orders.amount.summ()")
    assert says("build", project.root).code == 2


def test_method_of_a_table_that_does_not_exist(project, says):
    project.edit("tasks/sales.py", "orders.filter(", "orders.filtr(")
    assert says("build", project.root).code == 2


def test_operands_that_do_not_go_together(project, says):
    project.edit("tasks/sales.py", "orders.amount.sum()", "(orders.amount + orders.region).max()")
    assert says("build", project.root).code == 2


def test_task_that_computes_what_it_should_only_describe(project, says):
    project.edit(
        "tasks/sales.py",
        "orders.region == ",
        "orders.amount.max().execute() > 1, orders.region == ",
    )
    assert says("build", project.root).code == 2


def test_condition_in_python_on_a_column(project, says):
    project.edit(
        "tasks/sales.py",
        "    return orders.filter",
        "    if orders.amount > 1:\n        return orders.filter",
    )
    assert says("build", project.root).code == 2


def test_column_removed_upstream_as_an_item(project, says):
    project.edit("tasks/sales.py", "orders.region == catalog", 'orders["area"] == catalog')
    assert says("build", project.root).code == 2


def test_column_removed_upstream_as_a_key(project, says):
    project.edit("tasks/sales.py", 'group_by("customer_id")', 'group_by("customer")')
    assert says("build", project.root).code == 2


def test_column_removed_upstream_as_a_deferred_one(project, says):
    project.edit("tasks/sales.py", "orders.amount.sum()", "ibis._.amuont.sum()")
    assert says("build", project.root).code == 2


def test_column_removed_upstream_in_sql(project, says):
    project.edit("tasks/top.sql", "s.amount > 10", "s.total > 10")
    assert says("build", project.root).code == 2


def test_column_removed_upstream_in_sql_without_its_table(project, says):
    project.edit("tasks/top.sql", "s.amount > 10", "total > 10")
    assert says("build", project.root).code == 2


def test_column_removed_upstream_in_sql_of_one_table(project, says):
    project.write("tasks/top.sql", "SELECT customer_id,\n  amount, total\nFROM sales\n")
    assert says("build", project.root).code == 2


def test_column_whose_type_changed_upstream(project, says):
    project.write("data/customers.csv", "customer_id,name\nc-1,ada\nc-2,bob\n")
    project.write(
        "tasks/names.py",
        """
        from cpgbuild import view

        @view
        def names(catalog):
            customers = catalog.table("customers")
            orders = catalog.table("orders")
            return orders.filter(orders.customer_id == customers.customer_id.max())
        """,
    )
    assert says("build --target names", project.root).code == 2


def test_join_of_columns_whose_types_differ(project, says):
    project.write("data/customers.csv", "customer_id,name\nc-1,ada\nc-2,bob\n")
    project.write(
        "tasks/names.py",
        """
        from cpgbuild import view

        @view
        def names(catalog):
            return catalog.table("orders").join(catalog.table("customers"), "customer_id")
        """,
    )
    assert says("build --target names", project.root).code == 2


def test_type_mismatch_in_sql(project, says):
    project.write(
        "tasks/top.sql", "SELECT name,\n  SUM(name) AS total\nFROM customers\nGROUP BY name\n"
    )
    assert says("build", project.root).code == 2


def test_comparison_of_types_that_differ_in_sql(project, says):
    project.write("tasks/top.sql", "SELECT *\nFROM orders\nWHERE amount > DATE '2026-01-01'\n")
    assert says("build", project.root).code == 2


def test_sql_that_does_not_parse(project, says):
    project.edit("tasks/top.sql", "WHERE s.amount > 10", "WHERE s.amount >")
    assert says("build", project.root).code == 2


def test_sql_with_an_open_string(project, says):
    project.edit("tasks/top.sql", "s.amount > 10", "c.name > 'ad")
    assert says("build", project.root).code == 2


def test_sql_with_an_unknown_function(project, says):
    project.edit("tasks/top.sql", "SELECT c.name", "SELECT uper(c.name) AS name")
    assert says("build", project.root).code == 2


def test_two_statements_in_a_sql_file(project, says):
    project.append("tasks/top.sql", ";\nSELECT 1 AS one\n")
    assert says("build", project.root).code == 2


def test_statement_that_changes_something(project, says):
    project.write("tasks/top.sql", "DROP TABLE orders\n")
    assert says("build", project.root).code == 2


def test_statement_that_makes_a_table(project, says):
    project.write("tasks/top.sql", "CREATE TABLE other AS SELECT * FROM orders\n")
    assert says("build", project.root).code == 2


def test_sql_file_without_sql(project, says):
    project.write("tasks/top.sql", "-- nothing yet\n")
    assert says("build", project.root).code == 2


def test_two_columns_of_one_name(project, says):
    project.write("tasks/top.sql", "SELECT amount, region AS amount FROM orders\n")
    assert says("build", project.root).code == 2


def test_cycle_of_functions(project, says):
    project.edit("tasks/sales.py", 'catalog.table("orders")', 'catalog.table("sales")')
    assert says("build", project.root).code == 2


def test_cycle_of_sql(project, says):
    project.write("tasks/a.sql", "SELECT one FROM b\n")
    project.write("tasks/b.sql", "SELECT one\nFROM c\n")
    project.write("tasks/c.sql", "SELECT one FROM a\n")
    assert says("build", project.root).code == 2


def test_cycle_of_functions_and_sql(project, says):
    project.edit("tasks/sales.py", 'catalog.table("orders")', 'catalog.table("top")')
    assert says("impact orders", project.root).code == 2


def test_task_that_reads_itself(project, says):
    project.write("tasks/top.sql", "SELECT * FROM top\n")
    assert says("build", project.root).code == 2


def test_contributions_that_disagree(project, says):
    project.write(
        "tasks/parts.py",
        """
        from cpgbuild import view

        @view(contributes_to="everything")
        def from_orders(catalog):
            return catalog.table("orders").select("customer_id", "amount")

        @view(contributes_to="everything")
        def from_customers(catalog):
            customers = catalog.table("customers")
            return customers.select("name", amount=customers.customer_id)
        """,
    )
    assert says("build", project.root).code == 2


def test_promise_that_is_broken(project, says):
    project.edit(
        "tasks/sales.py",
        "@compute\n",
        '@compute(schema={"customer_id": "int64", "amount": "int64", "orders": "int64"})\n',
    )
    assert says("build", project.root).code == 2


def test_promise_in_an_unknown_type(project, says):
    project.edit("tasks/sales.py", "@compute\n", '@compute(schema={"customer_id": "integr"})\n')
    assert says("build", project.root).code == 2


def test_result_that_would_lose_values(project, says):
    project.write(
        "tasks/lossy.py",
        """
        import ibis
        from cpgbuild import view

        @ibis.udf.scalar.builtin
        def upper(text: str) -> int: ...

        @view
        def loud(catalog):
            customers = catalog.table("customers")
            return customers.select("name", loud=upper(customers.name))
        """,
    )
    assert says("build", project.root).code == 2


def test_table_of_another_connection(project, says):
    project.write(
        "tasks/outside.py",
        """
        import ibis
        from cpgbuild import view

        @view
        def outside(catalog):
            other = ibis.duckdb.connect()
            other.raw_sql("CREATE TABLE elsewhere (customer_id BIGINT)")
            return catalog.table("orders").join(other.table("elsewhere"), "customer_id")
        """,
    )
    assert says("build", project.root).code == 2


def test_file_read_beside_the_catalog(project, says):
    project.write(
        "tasks/outside.py",
        """
        import ibis
        from cpgbuild import view

        @view
        def outside(catalog):
            return ibis.read_csv("data/customers.csv", table_name="names")
        """,
    )
    assert says("build", project.root).code == 2


def test_partition_by_a_column_that_is_not_there(project, says):
    project.edit("tasks/sales.py", "@compute\n", '@compute(partition_by="day")\n')
    assert says("build", project.root).code == 2


def test_view_that_is_partitioned(project, says):
    project.edit("tasks/top.sql", 'kind = "compute"', 'partition_by = "name"')
    assert says("build", project.root).code == 2


def test_map_without_a_schema(project, says):
    project.edit(
        "tasks/sales.py", "@compute\n", "def same(rows):\n    return rows\n\n\n@compute(map=same)\n"
    )
    assert says("build", project.root).code == 2


def test_map_that_is_a_lambda(project, says):
    project.edit(
        "tasks/sales.py", "@compute\n", '@compute(map=lambda rows: rows, schema={"a": "int64"})\n'
    )
    assert says("build", project.root).code == 2


def test_content_without_key(project, says):
    project.edit(
        "tasks/sales.py",
        "@compute\n",
        'def same(rows):\n    return rows\n\n\n@compute(map=same, schema={"a": "int64"}, content="a")\n',
    )
    assert says("build", project.root).code == 2


def test_key_of_a_view(project, says):
    project.write("tasks/by_name.sql", '-- cpgbuild: key = "country"\nselect country from sales\n')
    assert says("build", project.root).code == 2


def test_key_that_is_a_float(project, says):
    project.edit("tasks/sales.py", "@compute\n", '@compute(key="amount")\n')
    assert says("build", project.root).code == 2


def test_key_and_partitions(project, says):
    project.edit(
        "tasks/sales.py", "@compute\n", '@compute(key="country", partition_by="country")\n'
    )
    assert says("build", project.root).code == 2


def test_key_that_is_no_column(project, says):
    project.edit(
        "tasks/sales.py",
        "@compute\n",
        "def same(rows):\n    return rows\n\n\n"
        '@compute(map=same, schema={"id": "int64"}, key="id", content="amount")\n',
    )
    assert says("build", project.root).code == 2


def test_user_text_in_brackets_is_kept(project, says):
    project.edit(
        "tasks/sales.py", "amount=orders.amount.sum()", 'amount=orders["[bold]amount[/bold]"]'
    )
    assert "[bold]amount[/bold]" in says("plan", project.root).stderr


def test_statement_that_explains_a_query(project, says):
    project.write("tasks/top.sql", "EXPLAIN SELECT * FROM orders\n")
    assert says("build", project.root).code == 2
