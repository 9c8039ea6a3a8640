"""When an image was built."""

from __future__ import annotations

import time

import pytest

from platformio_secureota import build_time
from platformio_secureota.errors import Reason, Unusable


def test_the_build_time_is_now_or_what_the_environment_says() -> None:
    assert abs(build_time.now_or_set({}) - time.time()) < 5
    assert build_time.now_or_set({"SOURCE_DATE_EPOCH": "0"}) == 0
    assert build_time.now_or_set({"SOURCE_DATE_EPOCH": "1700000000"}) == 1700000000


def test_the_time_of_a_filesystem_is_said_only_where_it_is_set() -> None:
    assert build_time.if_set({}) == 0
    assert build_time.if_set({"SOURCE_DATE_EPOCH": "1700000000"}) == 1700000000


@pytest.mark.parametrize("text", ["yesterday", "-1", "1.5", " 1", "253402300800", "\u0661"])
def test_a_build_time_that_is_none(text: str) -> None:
    with pytest.raises(Unusable) as error:
        build_time.now_or_set({"SOURCE_DATE_EPOCH": text})
    assert error.value.reason is Reason.Usage
