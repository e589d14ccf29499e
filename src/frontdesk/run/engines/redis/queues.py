"""Job ids in RQ's own queues, so that RQ's tools count them: one queue for each lane and task.

A job in an RQ queue is an id in a list and a hash of the same id. Ours hold nothing more than which job it is: they
are written as JSON, and nobody unpickles, imports or calls what is in them.

An id is in the list exactly while its hash exists, but for two cases: the moment in which a worker has it in hand, and
an id taken from deep within a very long line. That one is left there, for looking for it would hold up Redis, and is
gone when it comes to the front. Ids that are taken before they arrive leave a mark for a while, so that they are not
put in line afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from rq.job import Job, JobStatus
from rq.queue import Queue
from rq.serializers import JSONSerializer

from frontdesk.desk.engine import Errand

if TYPE_CHECKING:
    from redis import Redis

_PREFIX = "frontdesk."
_KEPT_S = 7 * 86_400  # of a hash whose worker died with the id in hand
_MARK_S = 10

# KEYS: the set of queues, the queue. ARGV: what a job's key and a mark's begin with, seconds to keep, then an id and
# the fields of its hash, again and again.
_PUSH = """
local pushed = 0
for i = 5, #ARGV, 1 + tonumber(ARGV[4]) do
  local key = ARGV[1] .. ARGV[i]
  if redis.call('DEL', ARGV[2] .. ARGV[i]) == 0 and redis.call('EXISTS', key) == 0 then
    redis.call('HSET', key, unpack(ARGV, i + 1, i + tonumber(ARGV[4])))
    redis.call('EXPIRE', key, ARGV[3])
    redis.call('RPUSH', KEYS[2], ARGV[i])
    pushed = pushed + 1
  end
end
if pushed > 0 then redis.call('SADD', KEYS[1], KEYS[2]) end
return pushed
"""

# KEYS: the queue. ARGV: beginnings as above, seconds of a mark, then ids; one in somebody's hand has a "-" before it.
_REMOVE = """
for i = 4, #ARGV do
  local id, in_hand = ARGV[i], false
  if string.sub(id, 1, 1) == '-' then id, in_hand = string.sub(id, 2), true end
  if redis.call('DEL', ARGV[1] .. id) == 0 then
    redis.call('SET', ARGV[2] .. id, '', 'EX', ARGV[3])
  elseif not in_hand then
    if redis.call('LPOS', KEYS[1], id, 'MAXLEN', 1000) then
      redis.call('LREM', KEYS[1], 1, id)
    elseif redis.call('LPOS', KEYS[1], id, 'RANK', -1, 'MAXLEN', 1000) then
      redis.call('LREM', KEYS[1], -1, id)
    end
  end
end
"""

# KEYS: the queue, the job. ARGV: its id.
_PUT_BACK = "if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('LPUSH', KEYS[1], ARGV[1]) end"

_JOB_KEY = Job.redis_job_namespace_prefix
_MARK_KEY = "frontdesk:taken:"


def queue_name(lane: str, task: str) -> str:
    """What RQ's tools call the queue."""
    return f"{_PREFIX}{lane}.{task}"


def queue_key(lane: str, task: str) -> str:
    """Where Redis has it."""
    return Queue.redis_queue_namespace_prefix + queue_name(lane, task)


class Queues:
    """Puts ids in line and takes them out, many in one exchange."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._push = client.register_script(_PUSH)
        self._remove = client.register_script(_REMOVE)
        self._put_back = client.register_script(_PUT_BACK)

    def push(self, errands: Iterable[Errand], pipe: Any = None) -> None:
        """Put these in line, but for those that are."""
        for key, there in _by_queue(errands).items():
            hashes = [_hash(errand, self._client) for errand in there]
            words: list[Any] = [_JOB_KEY, _MARK_KEY, _KEPT_S, len(hashes[0])]
            for errand, fields in zip(there, hashes, strict=True):
                words += [errand.job_id, *fields]
            self._push(keys=[Queue.redis_queues_keys, key], args=words, client=pipe)

    def remove(self, errands: Iterable[Errand], in_hand: frozenset[str], pipe: Any = None) -> None:
        """Take these out of line; of those in hand there is nothing to look for there."""
        for key, there in _by_queue(errands).items():
            ids = [f"-{e.job_id}" if e.job_id in in_hand else e.job_id for e in there]
            self._remove(keys=[key], args=[_JOB_KEY, _MARK_KEY, _MARK_S, *ids], client=pipe)

    def put_back(self, key: str, job_id: str) -> None:
        """Return an id to the head of its line, if it still waits."""
        self._put_back(keys=[key, _JOB_KEY + job_id], args=[job_id])

    def drop(self, job_id: str) -> None:
        """Forget an id in hand that nobody waits for."""
        self._client.delete(_JOB_KEY + job_id)

    def pop(self, keys: Sequence[str], wait_s: int) -> tuple[str, str] | None:
        """The next id in one of these lines and which line that was, waited for so long."""
        found = cast("tuple[bytes, bytes] | None", self._client.blpop([*keys], timeout=wait_s))
        return None if found is None else (found[0].decode(), found[1].decode())


def _by_queue(errands: Iterable[Errand]) -> dict[str, list[Errand]]:
    lines: dict[str, list[Errand]] = {}
    for errand in errands:
        lines.setdefault(queue_key(errand.lane, errand.task), []).append(errand)
    return lines


def _hash(errand: Errand, client: Redis) -> list[Any]:
    """The fields of a job of RQ's that stands for this one. There is no function of that name to be called."""
    job = Job.create(
        "frontdesk.job",
        args=[errand.job_id],
        connection=client,
        id=errand.job_id,
        origin=queue_name(errand.lane, errand.task),
        serializer=JSONSerializer,
        status=JobStatus.QUEUED,
        description=f"{errand.lane} {errand.task} {errand.job_id}",
        timeout=-1,
    )
    job.enqueued_at = job.created_at
    fields = job.to_dict(include_meta=False, include_result=False) | {"status": JobStatus.QUEUED.value}
    return [part for pair in fields.items() for part in pair]
