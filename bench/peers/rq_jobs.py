"""RQ. The worker imports `add_one` from here; run as a script it hands in jobs and times them."""

import sys

import redis
import rq
from timing import measure


def add_one(number: float) -> float:
    return number + 1


def main() -> None:
    url, singles, many = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    queue = rq.Queue("bench", connection=redis.Redis.from_url(url))

    def wait(job: rq.job.Job) -> float:
        # In short waits: the client gives up on a read that blocks for longer than its socket may.
        while (result := job.latest_result(timeout=2)) is None:
            assert not job.is_failed
        answer: float = result.return_value
        return answer

    measure(lambda number: queue.enqueue("rq_jobs.add_one", number), wait, singles=singles, many=many)


if __name__ == "__main__":
    main()
