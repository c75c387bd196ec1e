"""How fast this server is, beside Strawberry as its documentation has it and beside endpoints written by hand.

`python -m benchmarks` (or `make bench`) does all of it; `docs/performance.md` says what the figures mean. In order of
reading::

    population.py      who takes what: arithmetic, so that every right answer is known without asking a database
    workloads.py       W1 to W5: what is asked, and the right answer
    postgresql.py      a PostgreSQL server from pip, or the one whose URL was given
    databases.py       migrated and filled databases on it, or SQLite files
    servers/           the other servers, written to be read
    contenders.py      each server in a process of its own, on a core of its own
    load.py            the load generator: raw sockets, every answer compared
    exchanges.py       requests with their verified answers
    machine.py         /proc: processor time, memory, and whether others disturb
    measurement.py     one measurement, and rounds of them, interleaved
    statements.py      statements per request, counted on the wire
    memory.py scale.py profiling.py    the other questions
    sampler.py         runs inside a server that is profiled
    open_loop.py overload.py overload_plot.py    `make overload`: more than can be done
    summary.py tables.py plot.py page.py    figures → medians of ratios → Markdown and SVG
"""
