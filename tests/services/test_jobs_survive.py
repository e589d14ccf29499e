"""Real servers, real kills: what was acknowledged is neither lost nor done twice."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import httpx

from support.server import Server, serving, until

TASKS = Path(__file__).parent.parent / "support" / "tasks" / "trivial.py"


def assert_each_succeeded_once(server: Server, job_ids: list[str]) -> None:
    states = dict(server.rows("select id, state from jobs"))
    assert {job_id: states.get(job_id) for job_id in job_ids} == dict.fromkeys(job_ids, "succeeded")
    twice = server.rows(
        "select job, count(*) from events where event = 'state' and cast(data as char(200)) like '%succeeded%'"
        " group by job having count(*) > 1",
    )
    assert twice == []


def unfinished(server: Server) -> int:
    return int(str(server.rows("select count(*) from jobs where state in ('queued', 'running')")[0][0]))


def test_jobs_outlive_a_worker_that_is_killed_over_and_over(tmp_path: Path) -> None:
    with serving(
        tmp_path, TASKS, FRONTDESK_LEASE_S="3", FRONTDESK_SWEEP_S="1", FRONTDESK_ATTEMPTS_LIMIT="100"
    ) as server:
        job_ids: list[str] = []
        kills = 0
        for n in range(300):
            job_ids.append(server.submit("double", x=n, pause_s=0.03))
            # Where asking is slow, much is done before all is asked.
            if n % 10 == 9 and len(job_ids) - unfinished(server) >= 50 * (kills + 1):
                kills += server.kill("worker")
        while left := unfinished(server):
            # It has 64 jobs in hand: one that is lost with three workers has failed, so each lives long enough.
            until(lambda left=left: unfinished(server) <= max(left - 50, 0), 60, "some jobs")
            kills += server.kill("worker")
        assert kills >= 3
        assert_each_succeeded_once(server, job_ids)
        assert [server.job(job_id)["outputs"]["answer"]["value"] for job_id in job_ids[:5]] == [0, 2, 4, 6, 8]


def test_a_full_queue_outlives_the_death_of_everything(tmp_path: Path) -> None:
    with serving(tmp_path, TASKS) as server:
        # The last ones are slow, so that some are left however long asking took.
        job_ids = [server.submit("double", x=n, pause_s=0.02 if n < 140 else 0.3) for n in range(150)]
        until(lambda: unfinished(server) < 140, 20, "the first jobs")
        server.kill_everything()
        assert unfinished(server) > 0
        server.start()
        until(lambda: not unfinished(server), 60, "the rest of the jobs")
        assert_each_succeeded_once(server, job_ids)


def test_every_ticket_a_killed_web_process_gave_out_exists(tmp_path: Path) -> None:
    with serving(tmp_path, TASKS) as server:
        given: list[str] = []
        stop = threading.Event()

        def ask() -> None:
            with httpx.Client(base_url=server.url, timeout=10) as http:
                while not stop.is_set():
                    try:
                        response = http.post(
                            "/api/tasks/double/predict",
                            json={"inputs": {"x": time.monotonic_ns()}},
                            headers={"Prefer": "respond-async"},
                        )
                    except httpx.TransportError:
                        continue
                    if response.status_code == 202:
                        given.append(response.json()["id"])

        clients = [threading.Thread(target=ask) for _ in range(4)]
        for client in clients:
            client.start()
        for _ in range(4):
            enough = len(given) + 25
            until(lambda enough=enough: len(given) >= enough, 30, "some tickets")
            until(lambda: server.kill("web") == 1, 10, "a web process to kill")
        stop.set()
        for client in clients:
            client.join()
        assert len(given) >= 100
        until(lambda: not unfinished(server), 60, "the jobs")
        assert_each_succeeded_once(server, given)


def test_a_slow_answer_is_not_lost_when_the_web_process_that_waits_for_it_dies(tmp_path: Path) -> None:
    with serving(
        tmp_path, TASKS, FRONTDESK_WAIT_LIMIT_S="0.5", FRONTDESK_LEASE_S="3", FRONTDESK_SWEEP_S="1"
    ) as server:
        response = server.predict("double", x=21, pause_s=3)
        assert response.status_code == 202
        server.kill("web")
        until(lambda: len(server.children("web")) == 1 and server._answers(), 10, "a new web process")
        job = server.finished(response.json()["id"])
        assert (job["state"], job["outputs"]["answer"]["value"]) == ("succeeded", 42)


def test_it_ends_in_order_and_leaves_no_process_behind(tmp_path: Path) -> None:
    with serving(tmp_path, TASKS) as server:
        server.predict("double", x=1)
        family = [*server.children("web"), *server.children("worker"), *server.children("host")]
        assert len(family) >= 3
        assert server.stop() == 0
        assert [process for process in family if process.is_running()] == []


def test_no_process_outlives_a_killed_parent(tmp_path: Path) -> None:
    with serving(tmp_path, TASKS) as server:
        server.predict("double", x=1)
        family = [*server.children("web"), *server.children("worker"), *server.children("host")]
        assert server.process is not None
        server.process.kill()
        until(
            lambda: not any(process.is_running() and process.status() != "zombie" for process in family),
            10,
            "the end of all",
        )


def test_a_running_job_that_is_cancelled_ends_and_the_next_one_runs(tmp_path: Path) -> None:
    with serving(tmp_path, TASKS) as server:
        job_id = server.submit("double", x=1, pause_s=500)
        until(lambda: server.job(job_id)["state"] == "running", 10, "the job's start")
        next_id = server.submit("double", x=4)
        began = time.monotonic()
        assert server.http.post(f"/api/jobs/{job_id}/cancel").status_code == 200
        assert server.job(job_id)["state"] == "cancelled"
        assert server.finished(next_id)["outputs"]["answer"]["value"] == 8
        assert time.monotonic() - began < 10
