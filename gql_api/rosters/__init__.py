"""What comes in by the thousand: OneRoster bundles, and invented data.

An import goes one way, and every step can be read alone::

    bundle.py        a folder or a .zip, opened safely
    manifest.py      which version, which files
    csv_records.py   bytes → records, bounded
    oneroster.py     which file has which columns, as data; cells.py: what a cell of each type may hold
    layout.py        one file's header, matched with its columns
    scratch.py       rows and faults, in a private database on disk
    staging.py       files → scratch database, each row checked by itself
    references.py    the rules that concern several rows
    selection.py     which rows become students, courses and assignments
    incoming.py      these → temporary tables of the target
    clashes.py       what would break a rule beside what is stored
    merge.py         temporary tables → tables
    importing.py     the steps above, in order, in one transaction; report.py: what came of it, in words

`seeding.py` fills an empty database with what `synthetic.py` invents, out of `people.py` and `catalogue.py`. Both ways
write through `bulk_load.py`; `commands.py` is what the command line calls.
"""
