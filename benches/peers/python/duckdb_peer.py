#!/usr/bin/env python3
"""The work on DuckDB, on one thread, from the files to a file of the result."""
import argparse
import os

import duckdb

import common

ORDERS = "{'order_id': 'BIGINT', 'user_id': 'BIGINT', 'amount': 'DOUBLE', 'ts': 'BIGINT'}"
USERS = "{'user_id': 'BIGINT', 'country': 'VARCHAR'}"
EVENTS = "{'ts': 'BIGINT', 'key': 'INTEGER', 'value': 'BIGINT'}"


def csv(path, columns):
    return f"read_csv('{path}', header = true, columns = {columns})"


def wordcount(args):
    if args.format == "csv":
        words = csv(args.input, "{'word': 'VARCHAR'}")
    else:
        words = f"read_json('{args.input}', format = 'newline_delimited', columns = {{'word': 'VARCHAR'}})"
    return f"SELECT word, count(*) AS count FROM {words} GROUP BY word"


def join(args):
    orders = csv(os.path.join(args.input, "orders.csv"), ORDERS)
    users = csv(os.path.join(args.input, "users.csv"), USERS)
    return f"""
        SELECT country, count(*) AS orders, sum(amount) AS total, avg(amount) AS mean,
            max(amount) AS largest, min(amount) AS smallest
        FROM {orders} JOIN {users} USING (user_id) GROUP BY country"""


def window(args):
    events = csv(os.path.join(args.input, "events.csv"), EVENTS)
    if args.window == "sessions":
        return f"""
            SELECT min(ts) AS start, key, sum(value) AS total, count(*) AS count
            FROM (
                SELECT *, sum(begins) OVER (PARTITION BY key ORDER BY ts ROWS UNBOUNDED PRECEDING) AS session
                FROM (
                    SELECT *, CASE WHEN ts - lag(ts) OVER (PARTITION BY key ORDER BY ts) < 30 THEN 0 ELSE 1 END
                        AS begins
                    FROM {events}
                )
            )
            GROUP BY key, session"""
    start = "ts - ts % 60"
    if args.window == "sliding":
        start = "unnest(range(ts - ts % 10 - 50, ts - ts % 10 + 1, 10))"
    return f"""
        SELECT start, key, sum(value) AS total, count(*) AS count
        FROM (SELECT {start} AS start, key, value FROM {events}) GROUP BY start, key"""


def pagerank(args):
    """Five rounds, unrolled, of tables that are kept between them."""
    edges = csv(os.path.join(args.input, "edges.csv"), "{'u': 'INTEGER', 'v': 'INTEGER'}")
    yield f"CREATE TABLE edges AS FROM {edges}"
    yield "CREATE TABLE vertices AS SELECT u AS id FROM edges UNION SELECT v FROM edges"
    yield "CREATE TABLE degrees AS SELECT u AS id, count(*) AS degree FROM edges GROUP BY u"
    yield "CREATE TABLE ranks AS SELECT id, 6000::BIGINT AS rank FROM vertices"
    for _ in range(5):
        yield """
            CREATE OR REPLACE TABLE ranks AS
            SELECT id, (1000 + coalesce(part, 0))::BIGINT AS rank
            FROM vertices LEFT JOIN (
                SELECT v AS id, sum(part) AS part
                FROM edges JOIN (
                    SELECT id, rank * 5 // (degree * 6) AS part FROM ranks JOIN degrees USING (id)
                ) parts ON u = id
                GROUP BY v
            ) USING (id)"""
    yield "SELECT count(*) AS vertices, sum(rank) AS total, sum(rank * rank) AS squares FROM ranks"


def main():
    works = {f.__name__: f for f in (wordcount, join, window, pagerank)}
    parser = argparse.ArgumentParser()
    parser.add_argument("work", choices=works)
    parser.add_argument("--input", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--format")
    parser.add_argument("--window")
    args = parser.parse_args()
    base = duckdb.connect(config={"threads": 1})
    common.started()
    queries = works[args.work](args)
    *first, last = [queries] if isinstance(queries, str) else queries
    for query in first:
        base.execute(query)
    base.execute(f"COPY ({last}) TO '{args.output}' (FORMAT csv, HEADER)")


if __name__ == "__main__":
    main()
