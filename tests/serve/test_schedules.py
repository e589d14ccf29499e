"""Schedules: made and seen by their owners, run once and only once, with the rights their owners have then."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from frontdesk.access.rules import Action, Role
from frontdesk.serve.scheduling import Scheduler
from frontdesk.store.tables import schedules
from support.people import BY, Guarded

TASKS = Path(__file__).parent.parent / "support" / "tasks"
YEARLY = "0 0 1 1 *"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("schedules")
    guarded = Guarded(folder, TASKS / "pair.py", TASKS / "training.py", inbox=str(folder / "inbox"))
    with guarded.working():
        yield guarded
    guarded.close()


@pytest.fixture(scope="module")
def inbox(guarded: Guarded) -> Path:
    return Path(guarded.installation.settings.inbox)


@pytest.fixture
def ann(guarded: Guarded) -> Iterator[httpx.Client]:
    with guarded.program("ann") as client:
        yield client
        for schedule in client.get("/api/schedules").json()["items"]:
            client.delete(f"/api/schedules/{schedule['id']}")


@pytest.fixture
def scheduler(guarded: Guarded) -> Scheduler:
    """A second one, beside that of the web process, as another web process has."""
    return Scheduler(guarded.app.state.services)


def add(client: httpx.Client, **wanted: Any) -> dict[str, Any]:
    answer = client.post("/api/schedules", json={"name": "s", "cron": YEARLY, **wanted})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def file_job(client: httpx.Client, name: str = "in.csv") -> str:
    files = {"file": (name, b"x\n1\n")}
    return str(client.post("/api/tasks/pair/batch", files=files, data={"format": "csv"}).json()["id"])


def let_be_due(guarded: Guarded, schedule: dict[str, Any], ago: timedelta = timedelta(seconds=1)) -> datetime:
    """As if the time it is due at had come so long ago."""
    due = datetime.now(UTC) - ago
    change = sa.update(schedules).where(schedules.c.id == schedule["id"])
    guarded.installation.database.write(lambda c: c.execute(change.values(next_at=due)))
    return due


def seen(client: httpx.Client, schedule: dict[str, Any]) -> dict[str, Any]:
    return dict(client.get(f"/api/schedules/{schedule['id']}").json())


def ran(client: httpx.Client, schedule: dict[str, Any]) -> dict[str, Any]:
    """Once it has run."""
    end = time.monotonic() + 10
    while (found := seen(client, schedule))["last_at"] is None:
        assert time.monotonic() < end, "it did not run"
        time.sleep(0.05)
    return found


def over(client: httpx.Client, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = client.get(f"/api/jobs/{job_id}?wait=5").json()
    while job["state"] in ("queued", "running"):
        job = client.get(f"/api/jobs/{job_id}?wait=5").json()
    return job


# ---------------------------------------------------------------------------- running them


def test_a_file_is_processed_again_and_its_file_kept(guarded: Guarded, ann: httpx.Client) -> None:
    first = file_job(ann)
    schedule = add(ann, kind="batch", job=first)
    over(ann, first)
    assert ann.delete(f"/api/jobs/{first}").status_code == 204
    let_be_due(guarded, schedule)
    found = ran(ann, schedule)
    (job,) = found["last_jobs"]
    assert over(ann, job)["title"] == "in.csv"
    assert found["last_error"] is None
    assert datetime.fromisoformat(found["next_at"]) > datetime.now(UTC)


def test_however_long_it_was_away_one_run_makes_up_for_it(guarded: Guarded, ann: httpx.Client) -> None:
    schedule = add(ann, kind="batch", job=file_job(ann), cron="* * * * *")
    let_be_due(guarded, schedule, timedelta(days=7))
    assert len(ran(ann, schedule)["last_jobs"]) == 1
    next_at = datetime.fromisoformat(seen(ann, schedule)["next_at"])
    assert datetime.now(UTC) < next_at <= datetime.now(UTC) + timedelta(minutes=1)


def test_one_that_died_after_making_the_job_makes_no_second(
    guarded: Guarded, ann: httpx.Client, scheduler: Scheduler
) -> None:
    schedule = add(ann, kind="batch", job=file_job(ann, "crash.csv"))
    store = guarded.app.state.services.schedules
    due = datetime.now(UTC) - timedelta(seconds=1)
    record = store.get(schedule["id"], None)
    died_with = scheduler._do(record, due)[0]  # and never came to note it
    assert scheduler.run(record, due) == died_with
    assert len(ann.get("/api/jobs?search=crash").json()["items"]) == 2  # the first of all, and this one


def test_what_is_due_is_had_by_one_at_a_time(guarded: Guarded, ann: httpx.Client) -> None:
    """With the web process' own scheduler there are two that look, and one job comes of it."""
    schedule = add(ann, kind="batch", job=file_job(ann, "once.csv"))
    store = guarded.app.state.services.schedules
    let_be_due(guarded, schedule)
    for found in [found for _ in range(3) for found in store.take_due() if found.id == schedule["id"]]:
        Scheduler(guarded.app.state.services).run(found)
    (job,) = ran(ann, schedule)["last_jobs"]
    listed = ann.get("/api/jobs?search=once.csv").json()["items"]
    assert len(listed) == 2  # the first of all, and this one
    assert job in [found["id"] for found in listed]


def test_a_training_is_run(guarded: Guarded) -> None:
    with guarded.program("tom") as tom:
        schedule = add(tom, kind="train", task="learn", parameters={"steps": 2})
        run = tom.post(f"/api/schedules/{schedule['id']}/run").json()
        assert run["error"] is None
        assert tom.get(f"/api/jobs/{run['jobs'][0]}").json()["kind"] == "train"
        again = tom.post(f"/api/schedules/{schedule['id']}/run").json()
        assert again["jobs"] == run["jobs"]  # pressed twice
        assert tom.delete(f"/api/schedules/{schedule['id']}").status_code == 204


def test_paused_ones_rest_and_go_on_from_now(guarded: Guarded, ann: httpx.Client) -> None:
    schedule = add(ann, kind="batch", job=file_job(ann))
    assert ann.patch(f"/api/schedules/{schedule['id']}", json={"active": False}).json()["next_at"] is None
    let_be_due(guarded, schedule)
    assert schedule["id"] not in [found.id for found in guarded.app.state.services.schedules.take_due()]
    resumed = ann.patch(f"/api/schedules/{schedule['id']}", json={"active": True, "cron": "0 3 * * *"}).json()
    assert datetime.fromisoformat(resumed["next_at"]) > datetime.now(UTC)
    assert resumed["says"] == "At 03:00 every day"


# ---------------------------------------------------------------------------------- rights


def test_schedules_are_their_owners(guarded: Guarded, ann: httpx.Client) -> None:
    schedule = add(ann, kind="batch", job=file_job(ann))
    address = f"/api/schedules/{schedule['id']}"
    mine = {"name": "s", "cron": YEARLY, "kind": "batch", "job": file_job(ann)}
    with guarded.program("bob") as bob:
        assert bob.get(address).status_code == bob.delete(address).status_code == 404
        assert bob.patch(address, json={"active": False}).status_code == 404
        assert bob.post(f"{address}/run").status_code == 404
        assert bob.get("/api/schedules").json()["items"] == []
        assert bob.post("/api/schedules", json=mine).status_code == 404
    with guarded.program("ada") as ada:
        assert [s["id"] for s in ada.get("/api/schedules?owner=ann@example.org").json()["items"]] == [
            schedule["id"]
        ]
        assert ada.patch(address, json={"active": False}).status_code == 200


def test_who_may_not_train_may_not_have_it_done(guarded: Guarded, ann: httpx.Client) -> None:
    answer = ann.post("/api/schedules", json={"name": "s", "cron": YEARLY, "kind": "train", "task": "learn"})
    assert answer.status_code == 403


def test_a_schedule_loses_its_rights_with_its_owner(guarded: Guarded, scheduler: Scheduler) -> None:
    user = guarded.gate.users.add(BY, "eve@example.org", "eve", Role.MEMBER)
    _, secret = guarded.gate.tokens.add(BY, user.id, "t", frozenset(Action))
    with httpx.Client(base_url=guarded.url, headers={"Authorization": f"Bearer {secret}"}) as eve:
        schedule = add(eve, kind="batch", job=file_job(eve))
    record = guarded.app.state.services.schedules.get(schedule["id"], None)
    for changes in ({"role": Role.VIEWER}, {"active": False}):
        guarded.gate.users.change(BY, user.id, **changes)
        assert scheduler.run(record) == []
        found = guarded.app.state.services.schedules.get(schedule["id"], None)
        assert "may not" in (found.last_error or "")
    guarded.app.state.services.schedules.remove(schedule["id"], None)


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"cron": "61 * * * *"}, "/cron"), ({"zone": "Mars/Base"}, "/zone"), ({"name": ""}, "/name"),
        ({"kind": "batch"}, "/job"), ({"kind": "inbox"}, "/task"), ({"kind": "inbox", "task": "pair"}, "/folder"),
        ({"kind": "inbox", "task": "pair", "folder": "../out"}, "/folder"),
        ({"kind": "inbox", "task": "pair", "folder": "/etc"}, "/folder"),
        ({"kind": "inbox", "task": "pair", "folder": "a", "model": "none"}, "/model"),
        ({"kind": "never"}, "/kind"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(ann: httpx.Client, wrong: dict[str, Any], pointer: str) -> None:
    body = {"name": "s", "kind": "inbox", "cron": YEARLY, "task": None, **wrong}
    if "folder" not in wrong and "kind" not in wrong:
        body |= {"task": "pair", "folder": "fine"}
    answer = ann.post("/api/schedules", json=body)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_the_page_says_when_and_adds(guarded: Guarded, ann: httpx.Client) -> None:
    job = file_job(ann, "page.csv")
    with guarded.browser() as browser:
        browser.sign_in("ann")
        page = f"/schedules?job={job}"
        form = {
            "what": "batch pair one",
            "job": job,
            "name": "Weekly",
            "cron": "30 7 * * 1",
            "zone": "Europe/Berlin",
        }
        assert "Process page.csv again" in browser.get(page).text
        assert "At 07:30 on Monday" in browser.press(page, "/schedules", **form, check="yes").text
        assert "Wrong number" in browser.press(page, "/schedules", **form | {"cron": "x"}).text
        assert browser.press(page, "/schedules", **form).status_code == 303
        (schedule,) = ann.get("/api/schedules").json()["items"]
        address = f"/schedules/{schedule['id']}"
        browser.press(page, f"{address}/run")
        assert len(seen(ann, schedule)["last_jobs"]) == 1
        browser.press(page, f"{address}/pause")
        assert "Paused" in browser.get("/schedules").text
        browser.press(page, f"{address}/remove")
        assert ann.get("/api/schedules").json()["items"] == []


# --------------------------------------------------------------------------------- inboxes


def put(folder: Path, name: str, content: bytes = b"x\n1\n", age_s: float = 60) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    os.utime(path, (time.time() - age_s, time.time() - age_s))
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_every_new_file_of_a_folder_is_processed_once(
    guarded: Guarded, ann: httpx.Client, inbox: Path, scheduler: Scheduler
) -> None:
    schedule = add(ann, kind="inbox", task="pair", model="two", folder="march", format="csv")
    folder = inbox / "march"
    put(folder, "good.csv")
    put(folder, "bad.csv", b"y\n1\n")
    put(folder, "growing.csv", age_s=0)
    put(folder, "download.csv.part")
    put(folder, ".hidden.csv")
    (folder / "link.csv").symlink_to("/etc/passwd")
    run = ann.post(f"/api/schedules/{schedule['id']}/run").json()
    (job,) = run["jobs"]
    assert "bad.csv: This column is missing" in run["error"]
    assert names(folder) == ["done", "download.csv.part", "failed", "growing.csv", "link.csv", "results"]
    assert names(folder / "failed") == ["bad.csv", "bad.csv.reason.txt"]
    over(ann, job)
    scheduler.look()
    scheduler.look()
    assert names(folder / "done") == ["good.csv"]
    (result,) = names(folder / "results")
    assert (folder / "results" / result).read_text().split() == ["x,prediction,error", "1,2,"]
    store = guarded.app.state.services.schedules
    assert scheduler.run(store.get(schedule["id"], None)) == []


def test_a_file_whose_taker_died_is_no_second_job(
    guarded: Guarded, ann: httpx.Client, inbox: Path, scheduler: Scheduler
) -> None:
    schedule = add(ann, kind="inbox", task="pair", folder="april", format="csv")
    path = put(inbox / "april", "twice.csv")
    before = path.stat()
    record = guarded.app.state.services.schedules.get(schedule["id"], None)
    (first,) = scheduler.run(record)
    # As it lay there when the job was made and the file not yet moved.
    (taken,) = (inbox / "april" / ".taken").iterdir()
    taken.rename(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert scheduler.run(record) == [first]
    # The same name with other content is another file.
    put(inbox / "april", "twice.csv", b"x\n5\n", age_s=30)
    assert scheduler.run(record) != [first]


def test_a_file_whose_job_fails_is_set_aside_with_the_reason(
    ann: httpx.Client, inbox: Path, scheduler: Scheduler
) -> None:
    schedule = add(ann, kind="inbox", task="pair", folder="may", format="csv", strict=True)
    put(inbox / "may", "faulty.csv", b"x\n1\nno\n")
    (job,) = ann.post(f"/api/schedules/{schedule['id']}/run").json()["jobs"]
    assert over(ann, job)["state"] == "failed"
    scheduler.look()
    assert "Must be a number" in (inbox / "may" / "failed" / "faulty.csv.reason.txt").read_text()


def test_no_two_inboxes_share_a_folder_and_none_is_a_link(
    guarded: Guarded, ann: httpx.Client, inbox: Path, tmp_path: Path
) -> None:
    add(ann, kind="inbox", task="pair", folder="june")
    body = {"name": "s", "cron": YEARLY, "kind": "inbox", "task": "pair", "folder": "june"}
    with guarded.program("bob") as bob:
        assert bob.post("/api/schedules", json=body).status_code == 409
    (inbox / "july").symlink_to(tmp_path)
    schedule = add(ann, kind="inbox", task="pair", folder="july")
    run = ann.post(f"/api/schedules/{schedule['id']}/run").json()
    assert "not a folder" in run["error"]
    assert list(tmp_path.iterdir()) == []


def test_a_broken_inbox_keeps_no_other_schedule_from_running(
    guarded: Guarded, ann: httpx.Client, inbox: Path
) -> None:
    broken = add(ann, kind="inbox", task="pair", folder="broken", format="csv")
    put(inbox / "broken", "bad.csv", b"y\n1\n")
    (inbox / "broken" / "failed" / "bad.csv.reason.txt").mkdir(parents=True)
    sound = add(ann, kind="batch", job=file_job(ann))
    let_be_due(guarded, broken, timedelta(seconds=20))
    let_be_due(guarded, sound)
    assert len(ran(ann, sound)["last_jobs"]) == 1
    assert "bad.csv" in (ran(ann, broken)["last_error"] or "")


def test_a_file_that_was_mended_and_put_back_is_another(
    guarded: Guarded, ann: httpx.Client, inbox: Path, scheduler: Scheduler
) -> None:
    schedule = add(ann, kind="inbox", task="pair", folder="back", format="csv", strict=True)
    record = guarded.app.state.services.schedules.get(schedule["id"], None)
    put(inbox / "back", "f.csv", b"x\nno\n1\n")
    (first,) = scheduler.run(record)
    assert over(ann, first)["state"] == "failed"
    scheduler.look()
    aside = inbox / "back" / "failed" / "f.csv"
    assert time.time() - aside.stat().st_mtime < 30
    back = aside.rename(inbox / "back" / "f.csv")
    os.utime(back, (back.stat().st_atime, back.stat().st_mtime - 10))  # as if a few seconds had passed
    (second,) = scheduler.run(record)
    assert second != first


def test_what_is_too_much_for_a_run_is_said(
    guarded: Guarded, ann: httpx.Client, inbox: Path, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("frontdesk.serve.inbox._AT_ONCE", 2)
    schedule = add(ann, kind="inbox", task="pair", folder="many", format="csv")
    record = guarded.app.state.services.schedules.get(schedule["id"], None)
    for number in range(3):
        put(inbox / "many", f"{number}.csv")
    assert len(scheduler.run(record)) == 2
    assert "1 more files wait" in seen(ann, schedule)["last_error"]
    assert len(scheduler.run(record)) == 1
