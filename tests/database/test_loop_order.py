import sqlite3
from contextlib import closing

from sqlalchemy import Column, Integer, Join, MetaData, Table, select
from sqlalchemy.dialects.sqlite import aiosqlite as sqlite

from gql_api.database.loop_order import InnerLoop

METADATA = MetaData()
MANY, FEW = (Table(name, METADATA, Column("id", Integer, primary_key=True)) for name in ("many", "few"))


def test_the_right_side_is_looked_up_for_each_row_of_the_left_though_the_planner_would_have_it_otherwise() -> None:
    def outermost(join: Join) -> str:
        sql = str(select(MANY.c.id).select_from(join).compile(dialect=sqlite.dialect()))
        return str(connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchone()[3])

    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript("""
            CREATE TABLE many (id INTEGER PRIMARY KEY);
            CREATE TABLE few (id INTEGER PRIMARY KEY);
            INSERT INTO many SELECT value FROM json_each('[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]');
            INSERT INTO few VALUES (7);
            ANALYZE;
        """)
        assert outermost(Join(MANY, FEW, FEW.c.id == MANY.c.id)) == "SCAN few"
        assert outermost(InnerLoop(MANY, FEW, FEW.c.id == MANY.c.id)) == "SCAN many"
