"""What the peers' programs share: arguments, figures, and the rows of increments."""
import csv
import os
import time


def figure(name, value):
    """Reports a figure to the run that has started this program."""
    print(f"figure {name} {value}", flush=True)


def started():
    """Reports what the program took to get ready for work."""
    figure("start_cpu_s", time.process_time())


def parts(folder):
    """The files of a folder by name."""
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]


def rows(path):
    """The lines of a CSV file behind its header, as lists of text."""
    with open(path) as source:
        next(source)
        return [line.rstrip("\n").split(",") for line in source]


def write(path, header, table):
    """Writes rows as CSV."""
    with open(path, "w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(table)


class Increments:
    """Measures increments: from the moment at which one is there to its results."""

    def __init__(self):
        self.name = "increment"
        self.start()

    def start(self):
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def end(self):
        figure(f"{self.name}_s", time.perf_counter() - self.wall)
        figure(f"{self.name}_cpu_s", time.process_time() - self.cpu)
