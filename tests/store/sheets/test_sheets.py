"""Spreadsheets of every kind, read and written; a second reader judges what was written."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
import python_calamine
from hypothesis import given, settings
from hypothesis import strategies as st

from frontdesk.errors import SheetFault
from frontdesk.store.sheets.formats import SheetFormat
from frontdesk.store.sheets.reading import open_sheet
from frontdesk.store.sheets.rows import Sheet, place_names
from frontdesk.store.sheets.writing import Table, is_too_long, reads_as_numbers, write_sheet

LEAP_DAY = dt.datetime(2024, 2, 29, 12, 30)  # noqa: DTZ001  (spreadsheets know no time zones)
CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\ufeff"), max_size=12)


def cells_of(sheet: Sheet) -> list[list[object]]:
    return [list(row.values()) for rows in sheet.rows() for row in rows.batch.to_pylist()]


def faults_of(sheet: Sheet) -> dict[int, str]:
    found: dict[int, str] = {}
    before = 0
    for rows in sheet.rows():
        found |= {before + place: fault for place, fault in rows.faults.items()}
        before += rows.batch.num_rows
    return found


def write(tmp_path: Path, content: bytes, name: str = "a.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def table_of(header: Sequence[str], columns: Sequence[pa.Array], **more: frozenset[int]) -> Table:
    batch = pa.RecordBatch.from_arrays(list(columns), place_names(len(columns)))
    return Table(header=header, schema=batch.schema, batches=[batch], count=batch.num_rows, **more)


# ----------------------------------------------------------------------------------- text


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_text_is_read_whatever_its_dialect(
    tmp_path: Path, delimiter: str, encoding: str, line_end: str
) -> None:
    rows = [["name", "größe", "note"], ["Ä", "007", "x"], ["b", "12345678901234567890", ""]]
    content = line_end.join(delimiter.join(row) for row in rows) + line_end
    sheet = open_sheet(write(tmp_path, content.encode(encoding)))
    assert sheet.header == rows[0]
    assert cells_of(sheet) == rows[1:]


@settings(max_examples=150)
@given(st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=20))
def test_what_the_standard_writer_wrote_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([["a", "b", "c"], *rows])
    sheet = open_sheet(write(tmp_path_factory.mktemp("sheet"), text.getvalue().encode()))
    assert cells_of(sheet) == rows


def test_a_row_that_is_too_short_or_too_long_keeps_its_place(tmp_path: Path) -> None:
    sheet = open_sheet(write(tmp_path, b"a,b,c\n1,2,3\n4,5\n6,7,8,9\n10,11,12\n"))
    assert cells_of(sheet) == [["1", "2", "3"], ["4", "5", ""], ["6", "7", "8"], ["10", "11", "12"]]
    assert faults_of(sheet) == {
        1: "This row has 2 cells, the header 3.",
        2: "This row has 4 cells, the header 3.",
    }


def test_line_breaks_in_quotes_do_not_cut_a_row_wherever_the_blocks_end(tmp_path: Path) -> None:
    rows = [[str(number), 'a "b"\nc,' * (number % 40)] for number in range(60_000)]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([["n", "text"], *rows])
    sheet = open_sheet(write(tmp_path, text.getvalue().encode()))
    assert cells_of(sheet) == rows


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"), (b" \n\n", "empty"), (b"a,b\n\0\0", "no text"), (b"PK\x03\x04nonsense", "broken"),
        (b"PAR1nonsense", "Parquet"), (b"\xd0\xcf\x11\xe0nonsense", "spreadsheet"),
        (b'a,b\n"' + b"x" * (17 * 2**20), "quotation mark"),
    ],
)  # fmt: skip
def test_what_is_no_sheet_is_refused_in_words(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(SheetFault, match=words):
        for _ in open_sheet(write(tmp_path, content)).rows():
            pass


def test_messy_files_are_read_or_refused(test_data: Path) -> None:
    read = refused = 0
    for path in sorted((test_data / "messy_csv").rglob("*.csv")):
        try:
            sheet = open_sheet(path)
            assert all(rows.batch.num_columns == len(sheet.header) for rows in sheet.rows())
            read += 1
        except SheetFault:
            refused += 1
    assert read >= 40
    assert refused >= 1


def test_real_tables_have_all_their_rows(test_data: Path) -> None:
    for name, rows in {"adult.csv": 32_561, "diamonds.csv": 53_940, "winequality-red.csv": 1599}.items():
        sheet = open_sheet(test_data / "tabular" / name)
        assert sum(some.batch.num_rows for some in sheet.rows()) == rows
        assert sheet.total == rows


# -------------------------------------------------------------------------------- writing


DANGEROUS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\x01=1", " =1"]
HARMLESS = ["-5", "+4.5e3", "-.5", "a=b", "x@y.z", "", "'", "1-2", "-1,5"]


def test_csv_cells_run_in_no_spreadsheet_and_numbers_stay_numbers(tmp_path: Path) -> None:
    cells = [*DANGEROUS, *HARMLESS]
    path = tmp_path / "out.csv"
    write_sheet(
        path, SheetFormat.CSV, table_of(["=evil", "n"], [pa.array(cells), pa.array([-1.5] * len(cells))])
    )
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["'=evil", "n"]
    assert [row[0] for row in rows] == [*(f"'{cell}" for cell in DANGEROUS), *HARMLESS]
    assert {row[1] for row in rows} == {"-1.5"}


def test_excel_keeps_types_and_runs_nothing(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="the second reader of Excel files is not installed")
    path = tmp_path / "out.xlsx"
    columns = [
        pa.array(["007", "=1+1"]), pa.array([1.5, None]), pa.array(["1", "2.5"]), pa.array([10**17, 1]),
        pa.array([LEAP_DAY, None], pa.timestamp("ms")), pa.array([True, False]),
    ]  # fmt: skip
    header = ["zeros", "n", "numbers", "long", "when", "yes"]
    write_sheet(
        path, SheetFormat.XLSX, table_of(header, columns, numbers=frozenset({2}), texts=frozenset({3}))
    )
    sheet = openpyxl.load_workbook(path).active
    assert [cell.value for cell in sheet[1]] == header
    assert [cell.value for cell in sheet[2]] == [
        "007",
        1.5,
        1,
        str(10**17),
        LEAP_DAY,
        True,
    ]
    assert [cell.value for cell in sheet[3]] == ["=1+1", None, 2.5, "1", None, False]
    assert sheet["A3"].data_type == "s"
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:F3"


def test_excel_goes_on_on_another_sheet_where_one_is_full(tmp_path: Path) -> None:
    count, path = 1_048_575 + 3, tmp_path / "out.xlsx"
    batch = pa.RecordBatch.from_arrays([pa.array(range(100_000), pa.int32())], ["c0"])
    batches = [batch] * (count // 100_000) + [batch.slice(0, count % 100_000)]
    write_sheet(
        path, SheetFormat.XLSX, Table(header=["n"], schema=batch.schema, batches=batches, count=count)
    )
    book = python_calamine.CalamineWorkbook.from_path(str(path))
    assert [book.get_sheet_by_name(name).height for name in book.sheet_names] == [1_048_576, 4]


@pytest.mark.parametrize("kind", list(SheetFormat))
def test_what_is_written_is_read_back(tmp_path: Path, kind: SheetFormat) -> None:
    path = tmp_path / f"out.{kind}"
    columns = [pa.array(["a", "ü", "x,y\n"]), pa.array([0.1, -2.0, 1e-9]), pa.array(["01", "2", ""])]
    write_sheet(path, kind, table_of(["text", "number", "code"], columns))
    sheet = open_sheet(path)
    assert sheet.header == ["text", "number", "code"]
    assert [[row[0], float(str(row[1])), row[2]] for row in cells_of(sheet)] == [
        ["a", 0.1, "01"], ["ü", -2.0, "2"], ["x,y\n", 1e-9, ""],
    ]  # fmt: skip


def test_parquet_keeps_types_and_columns_of_one_name(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    write_sheet(path, SheetFormat.PARQUET, table_of(["x", "x"], [pa.array([1, 2]), pa.array([0.5, None])]))
    table = pyarrow.parquet.read_table(path)
    assert table.to_pydict() == {"x": [1, 2], "x (2)": [0.5, None]}


@pytest.mark.parametrize(
    ("cells", "is_number"),
    [
        (["1", "-2.5", ""], True), (["007"], False), (["1.50"], False), (["1e5"], False), (["1234567890123456"], False),
        (["1", "x"], False), (["-"], False), (["0"], True), (["0.1"], True),
    ],
)  # fmt: skip
def test_only_what_a_spreadsheet_gives_back_unchanged_becomes_a_number(
    cells: list[str], is_number: bool
) -> None:
    assert reads_as_numbers(pa.array(cells)) is is_number


def test_what_is_known_to_be_measured_is_a_number_however_it_is_written() -> None:
    assert reads_as_numbers(pa.array(["1.50", "127.0", "1e5", "007"]), however=True)
    assert not reads_as_numbers(pa.array(["1.50", "n/a"]), however=True)


def test_whole_numbers_of_sixteen_digits_are_too_long() -> None:
    assert is_too_long(pa.array([1, -(10**15)]))
    assert not is_too_long(pa.array([1, None]))
    assert not is_too_long(pa.array([], pa.int64()))


# ---------------------------------------------------------------------------------- Excel


def test_excel_columns_of_one_type_keep_it_and_mixed_ones_are_text(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="what writes the Excel file is not installed")
    book = openpyxl.Workbook()
    for row in (
        ["n", "mixed", "day", "yes", "t", None],
        [1, 2, dt.date(2024, 1, 2), True, "x", None],
        [2.5, "two", None, False, None, None],
        [None] * 6,
        [3, 4.5, dt.date(2024, 1, 3), True, "007", None],
    ):
        book.active.append(row)
    book.save(tmp_path / "in.xlsx")
    sheet = open_sheet(tmp_path / "in.xlsx")
    assert sheet.header == ["n", "mixed", "day", "yes", "t"]
    assert sheet.total == 3
    rows = cells_of(sheet)
    assert [row[0] for row in rows] == [1.0, 2.5, 3.0]
    assert [row[1] for row in rows] == ["2", "two", "4.5"]
    assert [row[3] for row in rows] == [True, False, True]
    assert [row[4] for row in rows] == ["x", "", "007"]


def test_a_zip_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "bomb.xlsx"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/a.xml", "w", force_zip64=True) as file,
    ):
        for _ in range(2100):
            file.write(bytes(2**20))
    with pytest.raises(SheetFault, match="larger than 2 GB"):
        open_sheet(path)
