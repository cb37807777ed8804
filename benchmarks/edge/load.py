"""Requests over loopback: as fast as they are answered, or at a rate, whatever the answers."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from likewise.ir import Array

__all__ = ["Answer", "Question", "at_a_rate", "one_after_another"]

SENDERS: Final = 48
"""Connections: so many requests can be under way at once."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request to infer, ready to send, and the outputs that it must have."""

    port: int
    path: str
    body: bytes
    headers: Mapping[str, str]
    outputs: Mapping[str, Array]

    @classmethod
    def of(
        cls, port: int, model: str, feeds: Mapping[str, Array], outputs: Mapping[str, Array]
    ) -> Question:
        """With its inputs, float32, and outputs as binary data."""
        inputs = [
            {
                "name": name,
                "datatype": "FP32",
                "shape": list(array.shape),
                "parameters": {"binary_data_size": array.nbytes},
            }
            for name, array in feeds.items()
        ]
        head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
        body = b"".join([head, *(array.tobytes() for array in feeds.values())])
        headers = {"Inference-Header-Content-Length": str(len(head))}
        return cls(port, f"/v2/models/{model}/infer", body, headers, outputs)

    def is_answered_by(self, body: bytes, header_length: str | None) -> bool:
        """Whether the outputs are there, to within a rounding of float32."""
        head = json.loads(body[: int(header_length or 0)])
        at = int(header_length or 0)
        for output in head["outputs"]:
            wanted = self.outputs[output["name"]]
            size = output["parameters"]["binary_data_size"]
            made = np.frombuffer(body[at : at + size], wanted.dtype).reshape(wanted.shape)
            at += size
            if not np.allclose(made, wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max()):
                return False
        return True


@dataclass(frozen=True, slots=True)
class Answer:
    """When the request was to be sent, in seconds from the start, and how long the answer took.

    `outcome` is the status; for a 200 of other content `wrong`, for a refusal that does not say
    when to come again `no Retry-After`, for a connection that failed the failure's name. `late` is
    how much later than planned the request was sent.
    """

    at: float
    seconds: float
    outcome: str
    late: float = 0.0


class _Sender:
    """One connection, made anew when it fails or is closed."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._connection = self._connected()

    def _connected(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._question.port, timeout=120)

    def ask(self, planned: float, start: float) -> Answer:
        sent = time.monotonic()
        try:
            outcome = self._asked()
        except (http.client.HTTPException, OSError) as error:
            outcome = type(error).__name__
            self._connection.close()
            self._connection = self._connected()
        return Answer(planned - start, time.monotonic() - sent, outcome, sent - planned)

    def _asked(self) -> str:
        question = self._question
        self._connection.request("POST", question.path, question.body, dict(question.headers))
        with self._connection.getresponse() as answer:
            content = answer.read()
            if answer.status == 200:
                length = answer.headers.get("Inference-Header-Content-Length")
                return "200" if question.is_answered_by(content, length) else "wrong"
            if answer.status in {429, 503, 504} and not answer.headers.get("Retry-After"):
                return "no Retry-After"
            return str(answer.status)

    def close(self) -> None:
        self._connection.close()


def one_after_another(question: Question, senders: int, seconds: float) -> list[Answer]:
    """Each of some senders asks again as soon as it is answered."""
    start = time.monotonic()

    def asking(sender: _Sender, answers: list[Answer]) -> None:
        while (now := time.monotonic()) < start + seconds:
            answers.append(sender.ask(now, start))

    return _in_threads(question, senders, asking)


def at_a_rate(question: Question, rate: float, seconds: float) -> list[Answer]:
    """So many requests a second, whether those before are answered or not."""
    start = time.monotonic() + 0.5
    numbers = itertools.count()

    def asking(sender: _Sender, answers: list[Answer]) -> None:
        while (offset := next(numbers) / rate) < seconds:
            planned = start + offset
            time.sleep(max(0.0, planned - time.monotonic()))
            answers.append(sender.ask(planned, start))

    return _in_threads(question, SENDERS, asking)


def _in_threads(question: Question, count: int, asking: Any) -> list[Answer]:
    found: list[list[Answer]] = [[] for _ in range(count)]

    def work(answers: list[Answer]) -> None:
        sender = _Sender(question)
        try:
            asking(sender, answers)
        finally:
            sender.close()

    threads = [threading.Thread(target=work, args=(answers,)) for answers in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted((answer for answers in found for answer in answers), key=lambda it: it.at)
