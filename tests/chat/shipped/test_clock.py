"""The server `time` knows what time it is somewhere, and when it is that elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mixvllm.chat.shipped.clock import server

pytestmark = pytest.mark.anyio
Ask = Callable[..., Any]


async def test_the_current_time_is_that_of_the_zone(ask: Ask) -> None:
    told = await ask(server).value("current_time", timezone="Asia/Tokyo")
    there = datetime.fromisoformat(told["time"])
    assert there.utcoffset() == timedelta(hours=9)
    assert abs(datetime.now(UTC) - there) < timedelta(minutes=1)
    assert (told["timezone"], told["utc_offset"]) == ("Asia/Tokyo", "+09:00")
    assert told["weekday"] == f"{there:%A}"


async def test_without_a_zone_it_is_that_of_utc(ask: Ask) -> None:
    assert (await ask(server).value("current_time"))["utc_offset"] == "+00:00"


@pytest.mark.parametrize(
    ("time", "there"),
    [
        ("2026-01-15T14:30", "2026-01-15T08:30:00-05:00"),
        ("2026-07-15 23:30", "2026-07-15T17:30:00-04:00"),
        ("2026-03-10T14:30:00", "2026-03-10T09:30:00-04:00"),  # summer time has begun there only
        ("2026-01-15T14:30Z", "2026-01-15T09:30:00-05:00"),
    ],
)
async def test_a_time_of_one_zone_is_told_in_another(ask: Ask, time: str, there: str) -> None:
    zones = {"from_timezone": "Europe/Berlin", "to_timezone": "America/New_York"}
    assert (await ask(server).value("convert_time", time=time, **zones))["to"]["time"] == there


async def test_a_time_of_day_is_one_of_today(ask: Ask) -> None:
    zones = {"from_timezone": "UTC", "to_timezone": "Asia/Kolkata"}
    told = await ask(server).value("convert_time", time="12:00", **zones)
    assert told["to"]["time"].endswith("T17:30:00+05:30")
    today = datetime.now(UTC).date()
    assert datetime.fromisoformat(told["from"]["time"]).date() in (today, today - timedelta(days=1))


@pytest.mark.parametrize(
    ("time", "zone", "message"),
    [
        ("2026-03-29T02:30", "Europe/Berlin", "does not exist in Europe/Berlin"),
        ("25:30", "UTC", "'25:30' is no time: write 14:30, or 2026-03-29T14:30"),
        ("soon", "UTC", "'soon' is no time"),
        ("12:00", "Berlin", "there is no time zone 'Berlin'; near it are Europe/Berlin"),
        ("12:00", "../../etc/passwd", "there is no time zone '../../etc/passwd'"),
        ("12:00", "", "there is no time zone ''"),
        ("0001-01-01T00:00", "Asia/Tokyo", "out of range"),
    ],
)
async def test_what_is_no_time_or_no_zone_is_told(
    ask: Ask, time: str, zone: str, message: str
) -> None:
    zones = {"from_timezone": zone, "to_timezone": "UTC"}
    assert message in await ask(server).error("convert_time", time=time, **zones)
