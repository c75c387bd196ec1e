"""`gql-api import`: a OneRoster bundle into the database, whole or not at all."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.errors import BundleUnusable, OperatorError
from gql_api.models import AuditAction
from gql_api.rosters.bulk_load import analyze
from gql_api.rosters.bundle import Bundle, open_bundle
from gql_api.rosters.manifest import MANIFEST, Manifest, Mode, Version, read_manifest
from gql_api.rosters.merge import NOTHING, Merged, OptionalColumns, merge
from gql_api.rosters.oneroster import File, rostering_files
from gql_api.rosters.progress import SILENT, ProgressReport
from gql_api.rosters.references import check_references, leave_out_dependents
from gql_api.rosters.scratch import FaultInFile, Scratch, Standing, open_scratch
from gql_api.rosters.selection import select_courses, select_students
from gql_api.rosters.staging import stage_file
from gql_api.services.actor import Actor
from gql_api.services.audit import entry_values
from gql_api.services.tables import AUDIT_ENTRIES

FAULTS_SHOWN_MAX: Final = 50
"""Faults that a report carries; the rest are counted, and go to a file if one is asked for."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How an import is to be done.

    Attributes:
        skip_invalid: leave out the rows that are faulty and those that need them, and import the rest.
        dry_run: do all of it, and then take it back.
        faults_file: where all faults are to be written as CSV, however many; None for nowhere.
    """

    skip_invalid: bool = False
    dry_run: bool = False
    faults_file: Path | None = None


IMPORT_OPTIONS: Final = ImportOptions()


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of an import.

    Attributes:
        path: the bundle.
        version: of OneRoster.
        options: how it was done.
        rows: how many rows each file has, faulty ones included, by the file's name.
        other_users: sound users who are no students.
        other_enrollments: sound enrolments of those, or in other roles; 0 if nothing was imported.
        merged: what has become of the records; None if nothing was imported because of the faults.
        faults: the first FAULTS_SHOWN_MAX, in order of file and line; those that depend on others come last.
        faults_total: how many there are.
    """

    path: Path
    version: Version
    options: ImportOptions
    rows: Mapping[str, int]
    other_users: int
    other_enrollments: int
    merged: Merged | None
    faults: tuple[FaultInFile, ...]
    faults_total: int


async def import_bundle(
    engine: AsyncEngine,
    path: Path,
    options: ImportOptions = IMPORT_OPTIONS,
    progress: ProgressReport = SILENT,
    *,
    actor: Actor | None = None,
) -> ImportReport:
    """Import the bundle at `path` in one transaction.

    Reading and checking touches no table. Then other writers wait while what was read is merged, a few seconds for some
    ten thousand students; readers never wait.

    Args:
        engine: of a database at head.
        path: a folder or a .zip file.
        options: see there.
        progress: is told about every step.
        actor: on whose behalf; if anything is changed, the audit says how many records. None leaves it out.

    Raises:
        BundleUnusable: the bundle cannot be read as a whole. Nothing has been changed.
        OperatorError: the file for the faults cannot be written. Nothing has been changed.
        DatabaseUnusable: the database is away, locked or read-only. Nothing has been changed.
    """
    with open_bundle(path) as bundle:
        manifest = read_manifest(bundle)
        files = _files_to_read(manifest)
        if not files:
            return ImportReport(path, manifest.version, options, {}, 0, 0, NOTHING, (), 0)
        with open_scratch(files) as scratch:
            optional = _read(scratch, bundle, files, progress)
            merged = None
            if options.skip_invalid or not scratch.has_faults():
                merged = await _merge(engine, scratch, optional, options, progress, actor=actor)
            else:
                _write_faults(scratch, options)
            return _report(path, manifest.version, options, scratch, merged)


def _files_to_read(manifest: Manifest) -> tuple[File, ...]:
    """Give the files of a rostering bundle; none where the manifest says that there is nothing new.

    Raises:
        BundleUnusable: a file is missing or in delta mode.
    """
    files = rostering_files(manifest.version)
    modes = {file.name: manifest.modes.get(file.name, Mode.ABSENT) for file in files}
    for name, mode in modes.items():
        if mode is Mode.DELTA:
            raise BundleUnusable(
                f"{MANIFEST} says that {name}.csv is delta; export it in bulk mode: delta is not supported."
            )
    missing = [f"{name}.csv" for name, mode in modes.items() if mode is Mode.ABSENT]
    if len(missing) == len(files):
        return ()
    if missing:
        raise BundleUnusable(f"{MANIFEST} says that {', '.join(missing)} is absent; a rostering bundle needs it.")
    return files


def _read(scratch: Scratch, bundle: Bundle, files: tuple[File, ...], progress: ProgressReport) -> OptionalColumns:
    has: set[str] = set()
    for file in files:
        with progress.step(f"Reading {file.csv_name}", bundle.sizes[file.csv_name]) as step:
            layout = stage_file(scratch, bundle, file, step)
        has |= {f"{file.name}.{column.name}" for column, position in layout.kept if position is not None}
    with progress.step("Checking", 4) as step:
        for check in (partial(check_references, files=files), select_courses, select_students, leave_out_dependents):
            check(scratch)
            step.advance(1)
    return OptionalColumns(
        email="users.email" in has,
        credits="courses.metadata.credits" in has,
        capacity="courses.metadata.capacity" in has,
    )


async def _merge(
    engine: AsyncEngine,
    scratch: Scratch,
    optional: OptionalColumns,
    options: ImportOptions,
    progress: ProgressReport,
    *,
    actor: Actor | None,
) -> Merged | None:
    async with engine.connect() as connection:
        merged = await merge(connection, scratch, optional, progress, skip_invalid=options.skip_invalid)
        # Before the commit: nothing is left out without being listed.
        _write_faults(scratch, options)
        if merged is None or options.dry_run:
            await connection.rollback()
            return merged
        if actor is not None and merged.changed_anything:
            await connection.execute(insert(AUDIT_ENTRIES), entry_values(actor, AuditAction.IMPORT, _counts(merged)))
        with progress.step("Committing", 1) as step:
            await connection.commit()
            step.advance(1)
    if merged.changed_anything:
        await analyze(engine)
    return merged


def _counts(merged: Merged) -> dict[str, dict[str, int]]:
    kinds = {"students": merged.students, "courses": merged.courses, "assignments": merged.assignments}
    return {name: {"created": kind.created, "updated": kind.updated} for name, kind in kinds.items()}


def _report(
    path: Path, version: Version, options: ImportOptions, scratch: Scratch, merged: Merged | None
) -> ImportReport:
    users, enrollments, faults = scratch.files["users"], scratch.files["enrollments"], scratch.faults
    sound_users = scratch.count(users, users.c.standing == Standing.SOUND)
    sound_enrollments = scratch.count(enrollments, enrollments.c.standing == Standing.SOUND)
    listed = _listed(options)
    return ImportReport(
        path,
        version,
        options,
        rows={name: scratch.count(table) for name, table in scratch.files.items()},
        other_users=sound_users - scratch.count(scratch.students),
        other_enrollments=sound_enrollments - merged.enrollments_selected if merged else 0,
        merged=merged,
        faults=tuple(islice(scratch.faults_in_order(listed), FAULTS_SHOWN_MAX)),
        faults_total=scratch.count(faults, faults.c.standing.in_(listed)),
    )


def _listed(options: ImportOptions) -> tuple[Standing, ...]:
    # Where nothing is imported, nothing is left out because of something else.
    return (Standing.FAULTY, Standing.DEPENDENT) if options.skip_invalid else (Standing.FAULTY,)


def _write_faults(scratch: Scratch, options: ImportOptions) -> None:
    if options.faults_file is None:
        return
    try:
        with options.faults_file.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(FaultInFile._fields)
            for file, *fault, standing in scratch.faults_in_order(_listed(options)):
                writer.writerow((f"{file}.csv", *fault, standing.name.lower()))
    except OSError as error:
        raise OperatorError(f"{options.faults_file} cannot be written: {error.strerror}.") from error
