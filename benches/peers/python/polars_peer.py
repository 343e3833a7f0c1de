#!/usr/bin/env python3
"""The work on Polars, lazily, with its streaming engine, on one thread."""
import argparse
import os

os.environ["POLARS_MAX_THREADS"] = "1"

import polars as pl  # noqa: E402 (the variable is read at import)

import common  # noqa: E402

EVENTS = {"ts": pl.Int64, "key": pl.Int32, "value": pl.Int64}


def wordcount(args):
    if args.format == "csv":
        words = pl.scan_csv(args.input, schema={"word": pl.String})
    else:
        words = pl.scan_ndjson(args.input, schema={"word": pl.String})
    return words.group_by("word").agg(pl.len().alias("count"))


def join(args):
    orders = pl.scan_csv(os.path.join(args.input, "orders.csv"), schema={
        "order_id": pl.Int64, "user_id": pl.Int64, "amount": pl.Float64, "ts": pl.Int64,
    })
    users = pl.scan_csv(os.path.join(args.input, "users.csv"), schema={
        "user_id": pl.Int64, "country": pl.String,
    })
    amount = pl.col("amount")
    return orders.join(users, on="user_id").group_by("country").agg(
        pl.len().alias("orders"), amount.sum().alias("total"), amount.mean().alias("mean"),
        amount.max().alias("largest"), amount.min().alias("smallest"),
    )


def window(args):
    events = pl.scan_csv(os.path.join(args.input, "events.csv"), schema=EVENTS)
    totals = pl.col("value").sum().alias("total"), pl.len().alias("count")
    if args.window == "sessions":
        ts = pl.col("ts")
        begins = (ts.diff() >= 30).fill_null(True).over("key")
        events = events.sort("key", "ts").with_columns(session=begins.cum_sum())
        sessions = events.group_by("key", "session").agg(ts.min().alias("start"), *totals)
        return sessions.select("start", "key", "total", "count")
    if args.window == "tumbling":
        events = events.with_columns(start=pl.col("ts") - pl.col("ts") % 60)
    else:
        last = pl.col("ts") - pl.col("ts") % 10
        events = events.with_columns(start=pl.concat_list([last - 10 * n for n in range(6)]))
        events = events.explode("start")
    return events.group_by("start", "key").agg(*totals)


def pagerank(args):
    """Five rounds, unrolled, of tables that are kept between them."""
    edges = pl.scan_csv(os.path.join(args.input, "edges.csv"), schema={"u": pl.Int32, "v": pl.Int32})
    edges = edges.collect()
    vertices = pl.concat([edges.select(id="u"), edges.select(id="v")]).unique()
    degrees = edges.group_by(pl.col("u").alias("id")).agg(pl.len().cast(pl.Int64).alias("degree"))
    ranks = vertices.with_columns(rank=pl.lit(6000, pl.Int64))
    for _ in range(5):
        parts = ranks.join(degrees, on="id").select(
            "id", part=pl.col("rank") * 5 // (pl.col("degree") * 6)
        )
        sums = edges.join(parts, left_on="u", right_on="id").group_by("v").agg(pl.col("part").sum())
        ranks = vertices.join(sums, left_on="id", right_on="v", how="left").select(
            "id", rank=pl.col("part").fill_null(0) + 1000
        )
    rank = pl.col("rank")
    return ranks.lazy().select(
        vertices=pl.len(), total=rank.sum(), squares=(rank * rank).sum()
    )


def main():
    works = {f.__name__: f for f in (wordcount, join, window, pagerank)}
    parser = argparse.ArgumentParser()
    parser.add_argument("work", choices=works)
    parser.add_argument("--input", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--format")
    parser.add_argument("--window")
    args = parser.parse_args()
    common.started()
    works[args.work](args).collect(engine="streaming").write_csv(args.output)


if __name__ == "__main__":
    main()
