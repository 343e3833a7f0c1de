#!/usr/bin/env python3
"""The work on Spark, batch and Structured Streaming, with one core."""
import argparse
import os
import shutil
import tempfile
import time

from pyspark.sql import SparkSession, functions as F
from pyspark.sql.types import DoubleType, IntegerType, LongType, StringType, StructField, StructType

import common


def schema(**columns):
    return StructType([StructField(name, of()) for name, of in columns.items()])


WORDS = schema(word=StringType)
ORDERS = schema(order_id=LongType, user_id=LongType, amount=DoubleType, ts=LongType)
USERS = schema(user_id=LongType, country=StringType)
EVENTS = schema(ts=LongType, key=IntegerType, value=LongType)
EDGES = schema(u=IntegerType, v=IntegerType)


def read_csv(reader, columns, path):
    return reader.schema(columns).option("header", True).csv(path)


def write(table, args):
    table.write.mode("overwrite").option("header", True).csv(args.output)


def cpu_of(process):
    """The user and system seconds of another process."""
    with open(f"/proc/{process}/stat") as source:
        columns = source.read().rsplit(")", 1)[1].split()
    return (int(columns[11]) + int(columns[12])) / os.sysconf("SC_CLK_TCK")


def wordcount(spark, args):
    if args.format == "csv":
        words = read_csv(spark.read, WORDS, args.input)
    else:
        words = spark.read.schema(WORDS).json(args.input)
    write(words.groupBy("word").count(), args)


def wordcount_files(spark, args):
    """A micro-batch for each file; the words that it changes go into a folder of its own."""
    reader = spark.readStream.option("maxFilesPerTrigger", 1)
    counts = read_csv(reader, WORDS, args.input).groupBy("word").count()
    checkpoint = tempfile.mkdtemp(prefix="peers-spark-")
    os.makedirs(args.output)

    def put(batch, number):
        batch.write.option("header", True).csv(os.path.join(args.output, f"batch-{number:05}"))

    query = (
        counts.writeStream.outputMode("update").option("checkpointLocation", checkpoint)
        .trigger(availableNow=True).foreachBatch(put).start()
    )
    query.awaitTermination()
    for progress in query.recentProgress:
        if progress["numInputRows"] > 0:
            common.figure("increment_s", progress["durationMs"]["triggerExecution"] / 1000)
    shutil.rmtree(checkpoint, ignore_errors=True)


def join(spark, args):
    orders = read_csv(spark.read, ORDERS, os.path.join(args.input, "orders.csv"))
    users = read_csv(spark.read, USERS, os.path.join(args.input, "users.csv"))
    sales = orders.join(users, "user_id").groupBy("country").agg(
        F.count("*").alias("orders"), F.sum("amount").alias("total"), F.avg("amount").alias("mean"),
        F.max("amount").alias("largest"), F.min("amount").alias("smallest"),
    )
    write(sales, args)


def window(spark, args):
    events = read_csv(spark.read, EVENTS, os.path.join(args.input, "events.csv"))
    at = F.timestamp_seconds("ts")
    windows = {
        "tumbling": lambda: F.window("at", "60 seconds"),
        "sliding": lambda: F.window("at", "60 seconds", "10 seconds"),
        # Spark's sessions hold rows that are just as far apart as it says; times are whole seconds.
        "sessions": lambda: F.session_window("at", "29 seconds"),
    }
    totals = events.withColumn("at", at).groupBy(windows[args.window]().alias("w"), "key").agg(
        F.sum("value").alias("total"), F.count("*").alias("count")
    )
    start = F.col("w.start").cast("long").alias("start")
    write(totals.select(start, "key", "total", "count"), args)


def pagerank(spark, args):
    edges = read_csv(spark.read, EDGES, os.path.join(args.input, "edges.csv")).cache()
    degrees = edges.groupBy(F.col("u").alias("id")).agg(F.count("*").alias("degree"))
    vertices = edges.select(F.col("u").alias("id")).union(edges.select(F.col("v").alias("id")))
    vertices = vertices.distinct().cache()
    edges = edges.join(degrees, edges.u == degrees.id).select("u", "v", "degree").cache()
    ranks = vertices.withColumn("rank", F.lit(6000).cast("long"))
    for _ in range(5):
        parts = edges.join(ranks, edges.u == ranks.id).select(
            "v", F.expr("(rank * 5) div (degree * 6)").alias("part")
        )
        sums = parts.groupBy(F.col("v").alias("end")).agg(F.sum("part").alias("part"))
        ranks = vertices.join(sums, vertices.id == sums.end, "left").select(
            "id", (F.coalesce("part", F.lit(0)) + 1000).alias("rank")
        )
        # Without it the plan doubles with each round.
        ranks = ranks.localCheckpoint()
    rank = F.col("rank")
    write(ranks.agg(
        F.count("*").alias("vertices"), F.sum(rank).alias("total"), F.sum(rank * rank).alias("squares")
    ), args)


def main():
    works = {f.__name__.replace("_", "-"): f for f in (
        wordcount, wordcount_files, join, window, pagerank,
    )}
    parser = argparse.ArgumentParser()
    parser.add_argument("work", choices=works)
    parser.add_argument("--input", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--format")
    parser.add_argument("--window")
    parser.add_argument("--rows")
    parser.add_argument("--total")
    args = parser.parse_args()
    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.sql.shuffle.partitions", 2)
        .config("spark.driver.memory", "4g")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", False)
        .config("spark.ui.showConsoleProgress", False)
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.streaming.numRecentProgressUpdates", 1000)
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    java = cpu_of(spark.sparkContext._gateway.proc.pid)
    common.figure("start_cpu_s", time.process_time() + java)
    works[args.work](spark, args)
    spark.stop()


if __name__ == "__main__":
    main()
