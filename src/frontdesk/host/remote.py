"""A remote model as every other one: what `load`, `predict_batch` and `train` are where the code is elsewhere.

Its host is a process as for any model, so calls are gathered, limited and restarted as usual. Where the back end is a
command of ours that ends, the host ends with it: the supervisor starts both again, and asks anew what was asked.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from pathlib import Path
from typing import Any

from frontdesk.declare.model import Model, Version
from frontdesk.declare.remote import RemoteModel
from frontdesk.declare.signature import Signature
from frontdesk.declare.training import Metrics, Run
from frontdesk.errors import Fault, HostError, InvalidInput, NoAnswer, PredictFailed
from frontdesk.host.circuit import Circuit
from frontdesk.host.remote_answers import returned
from frontdesk.host.remote_command import Command
from frontdesk.host.remote_line import RemoteLine, Reply
from frontdesk.host.ties import Ties

_LEARNED = "model.json"
_HEALTH_S = 2.0
_LOAD_S = 30.0
_LOOK_EVERY_S = 0.02
_LAST_WORDS_S = 1.0


class Remote(Model):
    """The twin of a declared RemoteModel that does what it declares."""

    def __init__(self, declared: RemoteModel, signature: Signature, folder: Path, ties: Ties) -> None:
        self._declared, self._signature, self._folder, self._ties = declared, signature, folder, ties
        self.predict = declared.predict
        self._command: Command | None = None
        self._version: Version | None = None

    # ----------------------------------------------------------------------- what a model has

    def load(self, version: Version) -> None:
        """Reach the back end and give it the version. One that runs elsewhere may come later."""
        self._version = version
        self._circuit = Circuit(self._declared.fails_before_pause, self._declared.pause_s, self._ties.ailing)
        self._reach()
        try:
            self._check_names()
            self._hand_over()
        except (OSError, http.client.HTTPException, NoAnswer) as error:
            if self._command is not None:
                raise
            self._circuit.failed(_why(error))
        if self._command is not None:
            threading.Thread(target=self._watch, args=(self._command,), daemon=True).start()

    def predict_batch(self, **columns: list[Any]) -> list[Any]:
        """Ask it."""
        self._circuit.check()
        if self._circuit.is_on_trial:
            self._try_again()
        rows = len(next(iter(columns.values()), [None]))
        number = self._version.number if self._version else 0
        reply = self._asked({"inputs": columns, "rows": rows, "version": number})
        if reply.status == 409:  # it was started again, and has forgotten
            self._hand_over()
            reply = self._asked({"inputs": columns, "rows": rows, "version": number})
        answers = self._understood(reply, rows)
        self._circuit.answered()
        return [returned(self._signature.outputs, answer) for answer in answers]

    def train(self, run: Run, **parameters: Any) -> Metrics:
        """Have it learn, and keep what it learned as JSON."""
        self._reach()
        question = {
            "parameters": parameters, "seed": run.seed, "data": dict(self._declared.examples(run))
        }  # fmt: skip
        try:
            lines = self._line.lines("/train", question)
            status = next(lines)
            last: dict[str, Any] = {}
            for line in lines:
                last = line if isinstance(line, dict) else {}
                _pass_on(run, last)
        except (OSError, http.client.HTTPException) as error:
            raise HostError(f"This back end does not answer: {_why(error)}") from None
        finally:
            if self._command is not None:
                self._command.kill()
        if status != 200 or "metrics" not in last:
            told = last.get("error") or f"it ended without metrics (status {status})"
            raise HostError(f"This back end could not train: {told}")
        (run.folder / _LEARNED).write_text(json.dumps(last.get("model")))
        return dict(last["metrics"])

    # -------------------------------------------------------------------------- the back end

    def _reach(self) -> None:
        declared = self._declared
        if declared.url:
            self._line = RemoteLine(url=declared.url)
            return
        command = self._command = Command(declared.command, self._folder)
        self._line = RemoteLine(socket_path=command.socket, port=command.port)
        ends_at = time.monotonic() + declared.starts_within_s
        while True:
            try:
                if self._line.exchange("GET", "/health", within_s=_HEALTH_S).status == 200:
                    return
            except (OSError, http.client.HTTPException):
                pass
            if command.has_ended():
                raise HostError(f"This back end does not answer: {command.wait()}")
            if time.monotonic() > ends_at:
                command.kill()
                raise HostError(
                    f"This back end does not answer: `{' '.join(command.words)}` was not ready after"
                    f" {declared.starts_within_s:g} s."
                )
            time.sleep(_LOOK_EVERY_S)

    def _check_names(self) -> None:
        """Refuse a back end that says it takes something else than is declared."""
        reply = self._line.exchange("GET", "/describe", within_s=_HEALTH_S)
        if reply.status != 200 or not isinstance(reply.body, dict) or "inputs" not in reply.body:
            return
        theirs, ours = set(reply.body["inputs"]), {field.name for field in self._signature.inputs}
        if theirs != ours:
            raise PredictFailed(
                f"This back end takes {', '.join(sorted(theirs))}; declared are {', '.join(sorted(ours))}."
            )

    def _hand_over(self) -> None:
        """Give it what training made, if anything was."""
        assert self._version is not None
        file = self._version.folder / _LEARNED
        if not file.is_file():
            return
        learned = {"version": self._version.number, "model": json.loads(file.read_text())}
        reply = self._line.exchange("POST", "/load", learned, within_s=_LOAD_S)
        if reply.status not in (200, 204):
            raise PredictFailed(f"This back end did not take its version: {_told(reply)}")

    def _watch(self, command: Command) -> None:
        self._ties.ended(command.wait())

    def _try_again(self) -> None:
        """Before it is asked after a pause: is it there at all? One of ours that is not is started again."""
        try:
            reply = self._line.exchange("GET", "/health", within_s=_HEALTH_S)
            if reply.status == 200:
                return
            why = _told(reply)
        except (OSError, http.client.HTTPException) as error:
            why = _why(error)
        if self._command is not None:
            self._command.kill()
            time.sleep(
                _LAST_WORDS_S
            )  # this process ends meanwhile, and the question is asked of the next one
        raise self._circuit.failed(why)

    def _asked(self, question: dict[str, Any]) -> Reply:
        try:
            return self._line.exchange("POST", "/predict", question, within_s=self._declared.answers_within_s)
        except TimeoutError:
            why = f"it said nothing for {self._declared.answers_within_s:g} s."
        except (OSError, http.client.HTTPException) as error:
            if self._command is not None and self._command.has_ended(_LAST_WORDS_S):
                time.sleep(_LAST_WORDS_S)  # see _try_again
            why = _why(error)
        raise self._circuit.failed(why)

    def _understood(self, reply: Reply, rows: int) -> list[Any]:
        body = reply.body if isinstance(reply.body, dict) else {}
        if reply.status == 200:
            answers = body.get("answers")
            if isinstance(answers, list) and len(answers) == rows:
                return answers
            raise self._circuit.failed(f"what it says are no answers to {rows} questions.")
        if reply.status == 422 and isinstance(body.get("errors"), list):
            self._circuit.answered()
            raise InvalidInput.of([
                Fault(f"/inputs/{fault['field']}", str(fault["detail"])) for fault in body["errors"]
                if isinstance(fault, dict) and {"field", "detail"} <= fault.keys()
            ])  # fmt: skip
        if reply.status >= 500 and "error" not in body:
            raise self._circuit.failed(_told(reply))
        self._circuit.answered()  # with a mistake of its own: it is there
        raise PredictFailed(f"The back end failed: {_told(reply)}")


def _pass_on(run: Run, line: dict[str, Any]) -> None:
    if isinstance(figures := line.get("report"), dict):
        run.report(**figures)
    if isinstance(step := line.get("progress"), dict):
        run.progress(step.get("done", 0), step.get("total", 0), step.get("message", ""))
    if "log" in line:
        run.log(str(line["log"]))


def _told(reply: Reply) -> str:
    body = reply.body if isinstance(reply.body, dict) else {}
    return str(body.get("error") or f"it answered with status {reply.status}.")


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it said nothing in time."
    if isinstance(error, ConnectionRefusedError | FileNotFoundError):
        return "nobody listens at its address."
    return f"{str(error) or type(error).__name__}."
