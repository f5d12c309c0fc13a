"""When something is expected: at least so often, or at the times of a cron line in a time zone.

Around a change of the clocks a cron line means what Debian's cron means: a time that is skipped
comes right after the gap, a time that comes twice counts once.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError


class WrongSchedule(ValueError):
    """A cron line that cannot be read, or that never comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Either `every_ms` or `cron` says when."""

    every_ms: int = 0
    cron: str = ""
    tz: str = "UTC"

    def period(self, at: int) -> int:
        """Return the time between two expected moments around `at`, in milliseconds."""
        if self.every_ms:
            return self.every_ms
        first = self.after(at)
        return self.after(first) - first

    def after(self, at: int) -> int:
        """Return the first expected moment after `at`. Raises WrongSchedule if there is none."""
        if self.every_ms:
            return at + self.every_ms
        local = datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(self.tz))
        try:
            for moment in CronSim(self.cron, local):
                found = round(moment.timestamp() * 1000)
                if found > at:
                    return found
        except CronSimError as error:
            raise WrongSchedule(str(error)) from None
        raise WrongSchedule("it never comes")
