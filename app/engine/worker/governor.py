"""How many threads compute right now. All cores are fastest, until something else wants one of them.

Threads meet at a barrier hundreds of times a token; when one of them is not running, the others spin. With
two threads on two cores and one busy neighbour, 160 tokens a second became 20, and less than one with two
neighbours, while a single thread stayed at 150. So when steps become erratic, fewer threads are tried, and
now and then more again.
"""

from __future__ import annotations

from collections import deque
from statistics import median

_ERRATIC = 2.0  # a typical step takes so many times the best one lately
_WORTHWHILE = 0.9  # more threads must be at least this much faster to be kept
_LONGEST_WAIT = 16  # in units of `recent` steps


class Governor:
    """Is told how long each step took (for one token) and says how many threads the next should use.

    `window` steps make a judgement; a step is compared with the best of the `recent` ones, not with older
    ones: steps also become longer as the context grows.
    """

    def __init__(self, most: int, window: int = 4, recent: int = 64) -> None:
        self.threads = most
        self._most = most
        self._window = window
        self._recent: deque[float] = deque(maxlen=recent)
        self._judged: list[float] = []
        self._before: float | None = None  # what fewer threads took, while more are on trial
        self._wait = self._first_wait = recent
        self._waited = 0

    def note(self, seconds: float) -> int:
        """Returns the number of threads for the next step."""
        self._recent.append(seconds)
        self._judged.append(seconds)
        self._waited += 1
        if len(self._judged) >= self._window:
            typical = median(self._judged)
            self._judged.clear()
            self._judge(typical)
        return self.threads

    def forget(self) -> None:
        """What follows is not comparable with what was before."""
        self._recent.clear()
        self._judged.clear()

    def _judge(self, typical: float) -> None:
        if self._before is not None:
            self._end_trial(typical, self._before)
        elif self.threads > 1 and typical > _ERRATIC * min(self._recent):
            self._use(self.threads // 2)
        elif self.threads < self._most and self._waited >= self._wait:
            self._before = typical
            self._use(min(self._most, self.threads * 2))

    def _end_trial(self, typical: float, before: float) -> None:
        self._before = None
        if typical <= _WORTHWHILE * before:
            self._wait = self._first_wait
            return
        self._wait = min(
            self._wait * 2, self._first_wait * _LONGEST_WAIT
        )  # it is still crowded; ask less often
        self._use(max(1, self.threads // 2))

    def _use(self, threads: int) -> None:
        self.threads = threads
        self._recent.clear()
        self._waited = 0
