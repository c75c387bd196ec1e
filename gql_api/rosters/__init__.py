"""What comes in by the thousand: OneRoster bundles, and invented data.

An import goes one way, and every step can be read alone::

    bundle.py       a folder or a .zip, opened safely
    manifest.py     which version, which files
    csv_records.py  bytes → records, bounded
    cells.py        what one cell may hold, by type      oneroster.py  which file has which columns, as data
    layout.py       one file's header, matched with its columns
    scratch.py      records and faults in a private database on disk, so that memory stays bounded
    staging.py      files → scratch database, row by row
    references.py   the rules that concern several rows
    selection.py    which rows become students, courses and assignments
    merge.py        these into the database, in one transaction
    importing.py    the steps above, in order; report.py what came of it, in words

`synthetic.py` invents students and courses instead. Both write through `bulk_load.py`.
"""
