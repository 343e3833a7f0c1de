#!/usr/bin/env python3
"""The work on Python's Pathway, on one worker."""
import argparse
import os
import threading

import pathway as pw
from pathway.stdlib.graphs.pagerank import pagerank as stdlib_pagerank

import common


class Words(pw.Schema):
    word: str


class Orders(pw.Schema):
    order_id: int
    user_id: int
    amount: float
    ts: int


class KeyedOrders(pw.Schema):
    order_id: int = pw.column_definition(primary_key=True)
    user_id: int
    amount: float
    ts: int


class Users(pw.Schema):
    user_id: int
    country: str


class Events(pw.Schema):
    ts: int
    key: int
    value: int


class Edges(pw.Schema):
    u: int
    v: int


class NumberedEdges(pw.Schema):
    edge: int = pw.column_definition(primary_key=True)
    u: int
    v: int


class Feed(pw.io.python.ConnectorSubject):
    """Sends increments, each one commit, and waits for the results of each."""

    def __init__(self, increments, **options):
        super().__init__(**options)
        self.increments = increments
        self.arrived = threading.Event()
        self.measured = common.Increments()

    def run(self):
        self._disable_commits()
        for name, send in self.increments:
            self.measured.name = name
            self.arrived.clear()
            self.measured.start()
            send(self)
            self.commit()
            self.arrived.wait()
            self.measured.end()


class Changes(Feed):
    """Deletes exactly the rows that it has sent."""

    _deletions_enabled = True


def follow(table, feed, name):
    """Keeps the rows of a table, and tells the feed when an increment has come through."""
    kept = {}
    changed = [False]

    def on_change(key, row, time, is_addition):
        changed[0] = True
        if is_addition:
            kept[name(row)] = row
        elif kept.get(name(row)) == row:
            del kept[name(row)]

    def on_time_end(time):
        # Some times bring nothing; every increment changes something.
        if changed[0]:
            changed[0] = False
            feed.arrived.set()

    pw.io.subscribe(table, on_change=on_change, on_time_end=on_time_end)
    return kept


def run():
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)


def counts(words):
    return words.groupby(words.word).reduce(words.word, count=pw.reducers.count())


def wordcount(args):
    read = pw.io.csv.read if args.format == "csv" else pw.io.jsonlines.read
    words = read(args.input, schema=Words, mode="static")
    pw.io.csv.write(counts(words), args.output)
    run()


def wordcount_increments(args):
    def sender(path):
        def send(feed):
            for (word,) in common.rows(path):
                feed.next(word=word)
        return send

    feed = Feed([("increment", sender(path)) for path in common.parts(args.input)])
    words = pw.io.python.read(feed, schema=Words, autocommit_duration_ms=None)
    kept = follow(counts(words), feed, lambda row: row["word"])
    run()
    common.write(args.output, ["word", "count"], [[row["word"], row["count"]] for row in kept.values()])


def wordcount_files(args):
    """A folder that is watched, until all rows have been counted."""
    words = pw.io.csv.read(args.input, schema=Words, mode="streaming", autocommit_duration_ms=100)
    kept = {}
    total = [0]

    def on_change(key, row, time, is_addition):
        total[0] += row["count"] if is_addition else -row["count"]
        if is_addition:
            kept[row["word"]] = row["count"]

    def on_time_end(time):
        if total[0] == args.total:
            common.write(args.output, ["word", "count"], kept.items())
            os._exit(0)

    pw.io.subscribe(counts(words), on_change=on_change, on_time_end=on_time_end)
    run()


def sales(orders, users):
    joined = orders.join(users, orders.user_id == users.user_id).select(orders.amount, users.country)
    return joined.groupby(joined.country).reduce(
        joined.country,
        orders=pw.reducers.count(),
        total=pw.reducers.sum(joined.amount),
        mean=pw.reducers.avg(joined.amount),
        largest=pw.reducers.max(joined.amount),
        smallest=pw.reducers.min(joined.amount),
    )


def join(args):
    orders = pw.io.csv.read(os.path.join(args.input, "orders.csv"), schema=Orders, mode="static")
    users = pw.io.csv.read(os.path.join(args.input, "users.csv"), schema=Users, mode="static")
    pw.io.csv.write(sales(orders, users), args.output)
    run()


SALES = ["country", "orders", "total", "mean", "largest", "smallest"]


def join_open(args):
    """Both sides are watched, until all orders have been counted."""
    orders = pw.io.csv.read(os.path.join(args.input, "orders.csv"), schema=Orders, mode="streaming")
    users = pw.io.csv.read(os.path.join(args.input, "users.csv"), schema=Users, mode="streaming")
    kept = {}
    total = [0]

    def on_change(key, row, time, is_addition):
        total[0] += row["orders"] if is_addition else -row["orders"]
        if is_addition:
            kept[row["country"]] = row

    def on_time_end(time):
        if total[0] == args.total:
            common.write(args.output, SALES, [[row[name] for name in SALES] for row in kept.values()])
            os._exit(0)

    pw.io.subscribe(sales(orders, users), on_change=on_change, on_time_end=on_time_end)
    run()


def join_increments(args):
    def insert(path):
        def send(feed):
            for order, user, amount, ts in common.rows(path):
                feed.next(order_id=int(order), user_id=int(user), amount=float(amount), ts=int(ts))
        return send

    def change(path):
        def send(feed):
            for order, user, amount, ts, new in common.rows(path):
                old = {"order_id": int(order), "user_id": int(user), "ts": int(ts)}
                if new:
                    feed.next(**old, amount=float(new))
                else:
                    feed.delete(**old, amount=float(amount))
        return send

    increments = [("increment", insert(path)) for path in common.parts(os.path.join(args.input, "parts"))]
    increments += [("change", change(path)) for path in common.parts(os.path.join(args.input, "changes"))]
    feed = Feed(increments, session_type="upsert")
    orders = pw.io.python.read(feed, schema=KeyedOrders, autocommit_duration_ms=None)
    users = pw.io.csv.read(os.path.join(args.input, "users.csv"), schema=Users, mode="static")
    kept = follow(sales(orders, users), feed, lambda row: row["country"])
    run()
    common.write(args.output, SALES, [[row[name] for name in SALES] for row in kept.values()])


def window(args):
    events = pw.io.csv.read(os.path.join(args.input, "events.csv"), schema=Events, mode="static")
    windows = {
        "tumbling": lambda: pw.temporal.tumbling(duration=60),
        "sliding": lambda: pw.temporal.sliding(hop=10, duration=60),
        "sessions": lambda: pw.temporal.session(max_gap=30),
    }
    totals = events.windowby(events.ts, window=windows[args.window](), instance=events.key).reduce(
        start=pw.this._pw_window_start,
        key=pw.this._pw_instance,
        total=pw.reducers.sum(pw.this.value),
        count=pw.reducers.count(),
    )
    pw.io.csv.write(totals, args.output)
    run()


def ranks(raw):
    edges = raw.select(u=raw.pointer_from(raw.u), v=raw.pointer_from(raw.v))
    result = stdlib_pagerank(edges, steps=5)
    pw.io.null.write(result)
    return result.reduce(
        vertices=pw.reducers.count(),
        total=pw.reducers.sum(result.rank),
        squares=pw.reducers.sum(result.rank * result.rank),
    )


def pagerank(args):
    edges = pw.io.csv.read(os.path.join(args.input, "edges.csv"), schema=Edges, mode="static")
    pw.io.csv.write(ranks(edges), args.output)
    run()


def pagerank_changes(args):
    def load(feed):
        for number, (u, v) in enumerate(common.rows(os.path.join(args.input, "edges.csv"))):
            feed.next(edge=number, u=int(u), v=int(v))

    def change(path):
        def send(feed):
            for edge, u, v, diff in common.rows(path):
                send_row = feed.next if diff == "1" else feed.delete
                send_row(edge=int(edge), u=int(u), v=int(v))
        return send

    increments = [("load", load)]
    paths = common.parts(os.path.join(args.input, args.changes))
    increments += [("increment", change(path)) for path in paths]
    feed = Changes(increments)
    edges = pw.io.python.read(feed, schema=NumberedEdges, autocommit_duration_ms=None)
    kept = follow(ranks(edges), feed, lambda row: 0)
    run()
    names = ["vertices", "total", "squares"]
    common.write(args.output, names, [[row[name] for name in names] for row in kept.values()])


def main():
    works = {f.__name__.replace("_", "-"): f for f in (
        wordcount, wordcount_increments, wordcount_files, join, join_open, join_increments,
        window, pagerank, pagerank_changes,
    )}
    parser = argparse.ArgumentParser()
    parser.add_argument("work", choices=works)
    parser.add_argument("--input", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--format")
    parser.add_argument("--window")
    parser.add_argument("--changes")
    parser.add_argument("--rows", type=int, help="how many rows an increment has")
    parser.add_argument("--total", type=int, help="how many rows there are")
    args = parser.parse_args()
    common.started()
    works[args.work](args)


if __name__ == "__main__":
    main()
