"""Times in time zones, as Python's own data knows them."""

from __future__ import annotations

import difflib
from datetime import UTC, date, datetime, time, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

MOST_NAMES = 3


class TimeError(ValueError):
    """A time or a zone that does not exist; the message says which, and what does."""


def zone_named(name: str) -> tzinfo:
    """A zone by its IANA name.

    Raises:
        TimeError: there is none of this name; the nearest are named.
    """
    if name.upper() in ("UTC", "GMT", "Z"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise TimeError(_unknown(name)) from None


def read_time(text: str, zone: tzinfo, today: date) -> datetime:
    """A time of day (of `today`) or a whole date and time, in a zone unless it has an offset.

    Raises:
        TimeError: it is neither, or the clocks of the zone skip it.
    """
    try:
        read = datetime.fromisoformat(text) if len(text) > len("23:59:59") else None
        read = read or datetime.combine(today, time.fromisoformat(text))
    except ValueError:
        raise TimeError(
            f"{text!r} is no time: write 14:30, or 2026-03-29T14:30 for a day that is not today"
        ) from None
    if read.tzinfo is not None:
        return read
    there = read.replace(tzinfo=zone)
    if there.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != read:
        raise TimeError(f"{read:%Y-%m-%d %H:%M} does not exist in {zone}: the clocks skip it")
    return there


def in_words(moment: datetime, name: str) -> dict[str, str]:
    """A moment as a model reads it best."""
    offset = moment.strftime("%z")
    return {
        "timezone": name,
        "time": moment.isoformat(timespec="seconds"),
        "weekday": moment.strftime("%A"),
        "utc_offset": f"{offset[:3]}:{offset[3:5]}",
    }


def _unknown(name: str) -> str:
    known = available_timezones()
    if not known:
        return f"there is no data of time zones here, so only UTC is known, not {name!r}: " + (
            "pip install tzdata"
        )
    by_end = {each.rpartition("/")[2].lower(): each for each in sorted(known, reverse=True)}
    wanted = name.rpartition("/")[2].strip().replace(" ", "_").lower()
    near = difflib.get_close_matches(wanted, by_end, n=MOST_NAMES)
    hint = f"; near it are {', '.join(by_end[each] for each in near)}" if near else ""
    return f"there is no time zone {name!r}{hint}; names are such as Europe/Berlin or UTC"
