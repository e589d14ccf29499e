"""Tables as people have them, sent to a real server; second readers judge what comes back."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from support.server import Server, serving

TABLES_MODEL = Path(__file__).parent.parent / "host" / "models" / "tables.py"
ADDED = ["prediction", "error"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("tables"), TABLES_MODEL, FRONTDESK_QUOTA_REQUESTS="0") as server:
        yield server


def batch(
    server: Server, task: str, name: str, content: bytes, kind: str = "csv"
) -> tuple[dict[str, Any], bytes]:
    """The job, once it is over, and its result."""
    response = server.http.post(
        f"/api/tasks/{task}/batch", files={"file": (name, content)}, data={"format": kind}
    )
    assert response.status_code == 202, response.text
    job = server.finished(response.json()["id"], 60)
    assert job["state"] == "succeeded", job
    return job, server.http.get(f"/api/jobs/{job['id']}/result").content


def rows_of(content: bytes, delimiter: str = ",") -> list[list[str]]:
    text = content.decode("utf-8-sig")
    return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]


def test_messy_files_are_answered_or_refused_in_words(server: Server, test_data: Path) -> None:
    answered = refused = 0
    for path in sorted((test_data / "messy_csv").rglob("*.csv")):
        response = server.http.post(
            "/api/tasks/anything/batch",
            files={"file": (path.name, path.read_bytes())},
            data={"format": "csv"},
        )
        assert response.status_code in (202, 422), f"{path.name}: {response.text}"
        if response.status_code == 422:
            assert all(error["pointer"] and error["detail"] for error in response.json()["errors"]), path.name
            refused += 1
            continue
        job = server.finished(response.json()["id"], 30)
        assert job["state"] == "succeeded", f"{path.name}: {job['error']}"
        header, *rows = rows_of(server.http.get(f"/api/jobs/{job['id']}/result").content)
        # Where every row is at fault there is nothing to predict, and no column for it.
        is_answered = job["outputs"]["failed_rows"] < job["outputs"]["rows"]
        assert header[-2:] == ADDED if is_answered else header[-1] == "error", path.name
        assert len(rows) == job["outputs"]["rows"], path.name
        assert {len(row) for row in rows} == {len(header)}, path.name
        answered += 1
    assert answered >= 30
    assert refused >= 3


def test_what_was_in_messy_files_is_in_their_results(server: Server, test_data: Path) -> None:
    compared = 0
    for path in sorted((test_data / "messy_csv" / "csv-spectrum").glob("*.csv")):
        meant = json.loads(path.with_suffix(".json").read_text("utf-8"))
        if path.stem == "location_coordinates":
            # Which its author changed in one of the two.
            meant = [{**meant, "Contact Phone Number": "2095257564"}]
        _, result = batch(server, "anything", path.name, path.read_bytes())
        header, *rows = rows_of(result)
        found = [dict(zip(header[:-2], row, strict=False)) for row in rows]
        assert found == meant, path.name
        compared += 1
    assert compared == 12


@pytest.mark.parametrize(
    ("name", "task", "delimiter", "failed"),
    [
        ("winequality-red.csv", "wine_quality", ";", 0),
        ("diamonds.csv", "diamond", ",", 0),
        ("titanic.csv", "passenger", ",", 177),
    ],
)
def test_real_tables_keep_every_cell(
    server: Server, test_data: Path, name: str, task: str, delimiter: str, failed: int
) -> None:
    content = (test_data / "tabular" / name).read_bytes()
    job, result = batch(server, task, name, content)
    sent, found = rows_of(content, delimiter), rows_of(result)
    assert [row[: len(sent[0])] for row in found] == sent
    assert (job["outputs"]["rows"], job["outputs"]["failed_rows"]) == (len(sent) - 1, failed)
    assert sum(bool(row[-1]) for row in found[1:]) == failed
    assert all(bool(row[-1]) != bool(row[len(sent[0])]) for row in found[1:])


def test_a_table_of_another_task_is_refused_by_its_columns(server: Server, test_data: Path) -> None:
    content = (test_data / "tabular" / "iris.csv").read_bytes()
    response = server.http.post("/api/tasks/diamond/batch", files={"file": ("iris.csv", content)})
    assert response.status_code == 422
    faults = {error["pointer"]: error["detail"] for error in response.json()["errors"]}
    assert {"/columns/carat", "/columns/cut", "/columns/depth"} < set(faults)
    assert "Very Good" in faults["/columns/cut"]
    assert "species" in faults["/columns"]


# What a spreadsheet would change or run, were it let.
TRAPS = [
    ["id", "note", "when"],
    ["007", "=1+1", "2024-02-29"],
    ["12345678901234567890", "@SUM(A1)", "29.02.2024"],
    ["1e5", "größe 漢字 🙂", "1/2"],
    ["-0.50", "+cmd|' /C calc'!A0", "TRUE"],
]


def _traps() -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(TRAPS)
    return text.getvalue().encode()


def test_openpyxl_reads_from_the_excel_file_what_was_sent(server: Server) -> None:
    _, result = batch(server, "anything", "traps.csv", _traps(), "xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(result)).active
    assert [[cell.value for cell in row[:3]] for row in sheet.iter_rows()] == TRAPS
    assert {cell.data_type for row in sheet.iter_rows() for cell in row[:3]} == {"s"}


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_libreoffice_runs_nothing_and_changes_nothing(server: Server, tmp_path: Path, kind: str) -> None:
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("there is no LibreOffice on this machine")
    _, result = batch(server, "anything", "traps.csv", _traps(), kind)
    (tmp_path / f"result.{kind}").write_bytes(result)
    # 44,34,76: commas, quotation marks, UTF-8.
    subprocess.run(
        [
            office, "--headless", f"-env:UserInstallation=file://{tmp_path}/profile", "--convert-to",
            "csv:Text - txt - csv (StarCalc):44,34,76,1", *(["--infilter=CSV:44,34,76,1"] if kind == "csv" else []),
            "--outdir", str(tmp_path / "out"), str(tmp_path / f"result.{kind}"),
        ],
        check=True, capture_output=True, timeout=90,
    )  # fmt: skip
    found = [row[:3] for row in rows_of((tmp_path / "out" / "result.csv").read_bytes())]
    if kind == "xlsx":
        assert found == TRAPS
    else:
        # A person who opens a CSV file has its cells guessed at; what matters is that none of them is run.
        assert [row[1].removeprefix("'") for row in found] == [row[1] for row in TRAPS]
