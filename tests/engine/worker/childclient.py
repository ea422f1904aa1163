"""A small host for tests: starts a real engine child and speaks the wire to it."""

from __future__ import annotations

import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, TypeVar

from app.domain.chat import Role
from app.domain.engine import LoadedModel, LoadPlan
from app.domain.generation import Sampling, StopReason, Timings
from app.domain.notice import Notice
from app.engine.base import Failed, Finished, GenerateRequest, PhaseMoved, PromptMessage, TextGrew
from app.engine.wire import (
    FromChild,
    Generate,
    Hello,
    HelloReply,
    Load,
    Loaded,
    LoadFailed,
    ToChild,
    decode_from_child,
    encode,
    read_frame,
)
from app.spawn import Role as ProcessRole
from app.spawn import engine_environment, kill_group, role_argv, spawn

F = TypeVar("F")
GREEDY = Sampling(temperature=0, max_tokens=16)


class Answer:
    """What came of one request."""

    def __init__(self, frames: list[FromChild]) -> None:
        texts = [frame for frame in frames if isinstance(frame, TextGrew)]
        self.frames = frames
        self.content = "".join(frame.content for frame in texts)
        self.reasoning = "".join(frame.reasoning for frame in texts)
        self.pieces = len(texts)
        self.phases = [frame for frame in frames if isinstance(frame, PhaseMoved)]
        ends = [frame for frame in frames if isinstance(frame, Finished | Failed)]
        assert len(ends) == 1, ends
        assert frames[-1] is ends[0]
        self.end = ends[0]

    @property
    def stop_reason(self) -> StopReason:
        assert isinstance(self.end, Finished), self.end
        return self.end.stop_reason

    @property
    def notice(self) -> Notice:
        assert isinstance(self.end, Failed), self.end
        return self.end.notice

    @property
    def timings(self) -> Timings:
        return self.end.timings


class ChildClient:
    """Owns one child. `close` ends it and waits; frames are kept in the order they came."""

    def __init__(self, log: Path, extra: Mapping[str, str] | None = None) -> None:
        self._log = log.open("wb")
        self.process = spawn(
            ProcessRole.ENGINE,
            cwd=log.parent,
            environment=engine_environment(extra),
            log=self._log,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.log = log
        self.frames: list[FromChild] = []
        self._arrived = threading.Condition()
        self._is_over = False
        self._reader = threading.Thread(target=self._read_all, name="test-child-reader")
        self._reader.start()
        self._count = 0

    def hello(self, **fields: object) -> HelloReply:
        """Tests make models and modules in temporary folders: these can be read unless `files` says else."""
        fields = {"files": (tempfile.gettempdir(),), **fields}
        self.send(Hello(helper_argv=tuple(role_argv(ProcessRole.TEMPLATE)), **fields))
        return self.wait_for(HelloReply)

    def load(self, path: Path, **plan: object) -> Loaded | LoadFailed:
        """Loads a model and returns what became of it."""
        before = len(self.frames)
        plan = {"model_id": path.stem, "model_path": str(path), "context_tokens": 4096, **plan}
        self.send(Load(plan=LoadPlan(**plan)))
        return self.wait(lambda frame: isinstance(frame, Loaded | LoadFailed), since=before)

    def loaded(self, path: Path, **plan: object) -> LoadedModel:
        result = self.load(path, **plan)
        assert isinstance(result, Loaded), result
        return result.model

    def begin(self, *messages: str | PromptMessage, **fields: object) -> str:
        """Sends a request and returns its id. Strings are a user's and an assistant's in turn."""
        self._count += 1
        request_id = f"request-{self._count}"
        fields = {"sampling": GREEDY, **fields}
        self.send(Generate(request=GenerateRequest(id=request_id, messages=chat(*messages), **fields)))
        return request_id

    def ask(self, *messages: str | PromptMessage, **fields: object) -> Answer:
        return self.answer(self.begin(*messages, **fields))

    def answer(self, request_id: str, seconds: float = 60) -> Answer:
        def is_end(frame: FromChild) -> bool:
            return isinstance(frame, Finished | Failed) and frame.id == request_id

        self.wait(is_end, seconds=seconds)
        return Answer([frame for frame in list(self.frames) if getattr(frame, "id", None) == request_id])

    def send(self, frame: ToChild) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(encode(frame))
        self.process.stdin.flush()

    def wait_for(self, kind: type[F], seconds: float = 60) -> F:
        found = self.wait(lambda frame: isinstance(frame, kind), seconds=seconds)
        assert isinstance(found, kind)
        return found

    def wait(self, accepts: Callable[[FromChild], bool], *, since: int = 0, seconds: float = 60) -> FromChild:
        """Returns the first frame that fits, waiting for it if need be."""
        deadline = time.monotonic() + seconds
        seen = since
        with self._arrived:
            while True:
                for frame in self.frames[seen:]:
                    if accepts(frame):
                        return frame
                seen = max(seen, len(self.frames))
                assert not self._is_over, f"the child ended: {self.log.read_text()[-2000:]}"
                left = deadline - time.monotonic()
                assert left > 0, f"no such frame in {seconds} s: {self.frames[-5:]}"
                self._arrived.wait(left)

    def close(self, seconds: float = 20) -> int:
        """Closes the pipe and returns the exit code."""
        assert self.process.stdin is not None
        if not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            code = self.process.wait(seconds)
        finally:
            kill_group(self.process)
            self._reader.join()
            assert self.process.stdout is not None
            self.process.stdout.close()
            self._log.close()
        return code

    def _read_all(self) -> None:
        stdout: IO[bytes] | None = self.process.stdout
        assert stdout is not None
        while (body := read_frame(stdout)) is not None:
            with self._arrived:
                self.frames.append(decode_from_child(body))
                self._arrived.notify_all()
        with self._arrived:
            self._is_over = True
            self._arrived.notify_all()


def chat(*messages: str | PromptMessage) -> tuple[PromptMessage, ...]:
    roles = (Role.USER, Role.ASSISTANT)
    return tuple(
        PromptMessage(role=roles[index % 2], content=message) if isinstance(message, str) else message
        for index, message in enumerate(messages)
    )
