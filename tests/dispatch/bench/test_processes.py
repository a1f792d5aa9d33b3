"""What a process of a bench costs."""

from __future__ import annotations

import pytest

from dispatch.bench.processes import NotMeasurable, cpu_s, private_kib


def test_a_process_is_measured() -> None:
    import os

    assert cpu_s(os.getpid()) > 0 and private_kib(os.getpid()) > 1000
    with pytest.raises(NotMeasurable):
        private_kib(2**22 + 5)
