"""`make bench`: the hub beside its floors and its peers, measured in turns on one machine, as ratios.

The server that is measured has a core to itself; PostgreSQL, Redis and the load share the others. Rates are
of sixteen connections that each send as fast as they are answered.
"""

import argparse
from pathlib import Path

from tests.bench import against_peers, embedded, sections, streams, viewers
from tests.bench.run import running
from tests.growth import rows

SECTIONS = {
    "sends": sections.sends,
    "two": sections.two_processes,
    "polls": sections.polls,
    "memory": sections.memory,
    "admission": sections.admission,
    "embedded": embedded.embedded,
    "streams": streams.streams,
    "viewers": viewers.viewers,
    "peers": against_peers.peers,
}


def main() -> None:
    """Measure, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", default=list(SECTIONS), metavar="section")
    parser.add_argument("--seconds", type=float, default=1.5, help="of a turn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="a file for the findings")
    options = parser.parse_args()
    with running(options.seconds, options.rounds) as run:
        run.report.begin()
        for name in options.sections:
            rows.settle(run.database)  # what the one before left is not the next one's to clear
            SECTIONS[name](run)
    if options.json:
        run.report.save(options.json)


if __name__ == "__main__":
    main()
