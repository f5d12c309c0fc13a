"""The watches that are always on: fed with facts, they return alerts.

A fact comes with its time; the class reads no clock. `tick` closes the five-minute buckets of the
rates and lets levels speak that wait for time to pass. After a sleep the bucket under way is
dropped and rates rest for ten minutes, since providers send again what they could not deliver.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

import msgspec

from hookagent.watch.alert import Alert
from hookagent.watch.expiry import CERTIFICATE, TOKEN, Ends, reading
from hookagent.watch.level import WELL, Level, Reading, Standing, judge
from hookagent.watch.rate import ADOPTED_MS, BUCKET_MS, Change, Counts, compare
from hookagent.watch.settings import MINUTE_MS, Thresholds
from hookagent.watch.tally import Tally
from hookagent.watch.wording import duration, size

HEARD_LATE_MS = 10_000
"""So late a death may be heard after a newer run was done; by more, the clock was set back."""
SETTLE_MS = 600_000
"""How long rates rest after a sleep or a start."""
SKEW_LEAST = 5
"""Signed times that are looked at together; their median counts."""
SUBJECTS_MAX = 2_000
"""Sources, rules and targets come from the configuration; more would be a mistake of ours."""
SIGNATURE_CODES = frozenset(
    {
        "missing-signature", "doubled-header", "malformed-signature", "wrong-signature",
        "wrong-token", "missing-timestamp", "malformed-timestamp", "timestamp-stale",
        "timestamp-ahead", "too-many-signatures", "missing-signed-part", "untrusted-key",
        "wrong-claim", "wrong-digest", "unverifiable",
    }
)  # fmt: skip
"""Refusals by the verification, of `Delivered.code`."""

DOWN = frozenset({"reconnecting", "down"})
UP = frozenset({"up", "changed"})


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What must be asked for, since nothing tells of it."""

    oldest_unrouted_at: int = 0
    """0 where nothing waits."""
    disk_free: int | None = None
    """Bytes; None where it is not known."""
    open_breakers: Mapping[str, int] = {}
    """Failures in a row, by target."""
    ends: Sequence[Ends] = ()
    """Certificates and tokens whose end is known."""


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What a restart must not forget."""

    standings: dict[str, dict[str, Standing]] = {}
    """By type and subject."""
    counts: dict[str, Counts] = {}


class Watches:
    """Everything built in; see the module."""

    def __init__(self, thresholds: Thresholds, sources: Iterable[str], now: int) -> None:
        self._thresholds = thresholds
        self._standings: dict[str, dict[str, Standing]] = {}
        self._counts = {source: Counts() for source in sources}
        self._arrived = dict.fromkeys(self._counts, 0)
        self._bucket = now // BUCKET_MS
        self._awake_since = now
        self._tallies: dict[tuple[str, str], Tally] = {}
        self._failed_in_row: dict[str, int] = {}
        self._done_at: dict[str, int] = {}
        """When a run of a rule was done last."""
        self._offsets: dict[str, deque[int]] = {}
        self._tunnel: Reading | None = None
        self._provider = ""
        remind = thresholds.remind_ms
        self._levels = {
            "watch.spike": Level(
                type="watch.spike", hold_ms=BUCKET_MS, clear_ms=BUCKET_MS, remind_ms=remind
            ),
            "watch.drop": Level(type="watch.drop", hold_ms=BUCKET_MS, clear_ms=0, remind_ms=remind),
            "watch.errors": Level(
                type="watch.errors",
                hold_ms=MINUTE_MS,
                clear_ms=10 * MINUTE_MS,
                remind_ms=remind,
            ),
            "watch.signatures": Level(type="watch.signatures", remind_ms=remind),
            "watch.skew": Level(type="watch.skew", remind_ms=remind),
            "watch.queue": Level(type="watch.queue", clear_ms=MINUTE_MS, remind_ms=remind),
            "run.dead": Level(type="run.dead", remind_ms=remind),
            "breaker.open": Level(type="breaker.open", clear_ms=2 * MINUTE_MS, remind_ms=remind),
            "disk.low": Level(type="disk.low", clear_ms=5 * MINUTE_MS, remind_ms=remind),
            "tunnel.down": Level(
                type="tunnel.down", hold_ms=thresholds.tunnel_down_ms, remind_ms=remind
            ),
            "tunnel.expiring": Level(type="tunnel.expiring"),
            CERTIFICATE: Level(type=CERTIFICATE, remind_ms=remind),
            TOKEN: Level(type=TOKEN, remind_ms=remind),
        }

    # Facts.

    def delivered(  # noqa: PLR0913, PLR0917 - the columns of one delivery
        self, source: str, outcome: str, code: str, detail: str, request_id: str, at: int
    ) -> list[Alert]:
        """Take one answered delivery; `outcome` and `code` are those of the feed."""
        if source not in self._arrived:
            return []
        if outcome == "accepted":
            self._arrived[source] += 1
        is_bad = outcome == "rejected"
        self._tally("source", source).add(at, is_bad=is_bad)
        if outcome in {"accepted", "duplicate"}:
            if source not in self._failed_in_row and not self._standings.get("watch.signatures"):
                return []
            return self._signature(source, Reading(is_bad=False, well="a delivery was genuine"), at)
        if is_bad and code in SIGNATURE_CODES:
            return self._unverified(source, code, detail, request_id, at)
        return []

    def _unverified(
        self, source: str, code: str, detail: str, request_id: str, at: int
    ) -> list[Alert]:
        count = self._failed_in_row[source] = self._failed_in_row.get(source, 0) + 1
        if count < self._thresholds.signatures:
            return []
        why = f"{code}: {detail}" if detail else code
        look = f"hookagent verify {request_id}" if request_id else f"hookagent sources {source}"
        reading = Reading(
            is_bad=True,
            message=f"`{source}`: {count} deliveries in a row were not genuine ({why})",
            hint=f"see why: {look}",
            facts={"count": count, "code": code, "detail": detail, "request": request_id},
        )
        return self._say("watch.signatures", source, reading, at)

    def _signature(self, source: str, reading: Reading, at: int) -> list[Alert]:
        self._failed_in_row.pop(source, None)
        return self._say("watch.signatures", source, reading, at)

    def signed(self, source: str, signed_at: int, at: int) -> list[Alert]:
        """Take when a genuine delivery was signed: a sender ahead of us means a wrong clock.

        Behind us proves nothing: a delivery may be late, or signed when its event happened.
        """
        offsets = self._offsets.setdefault(source, deque(maxlen=SKEW_LEAST))
        offsets.append(signed_at - at)
        is_near = signed_at - at <= self._thresholds.skew_ms
        if len(offsets) < SKEW_LEAST or (is_near and not self._standings.get("watch.skew")):
            return []
        ahead = round(median(offsets))
        reading = Reading(
            is_bad=ahead > self._thresholds.skew_ms,
            message=f"`{source}`: its deliveries were signed {duration(ahead)} from now",
            well="its clock and ours agree",
            hint="set the clock: `timedatectl set-ntp true`, or see `hookagent doctor`",
            facts={"ahead_ms": ahead},
        )
        return self._say("watch.skew", source, reading, at)

    def ran(self, rule: str, state: str, error: str, run_id: str, at: int) -> list[Alert]:
        """Take a run that came to a stop; `state` is the feed's: done, waiting, dead.

        They may come out of order: what is done is heard at once, what is dead a little later.
        """
        if state == "done" or not self._standings.get("breaker.open"):
            self._tally("rule", rule).add(at, is_bad=state != "done")
        if state == "done":
            self._done_at[rule] = at
        is_well = state == "done" and not self._standings.get("run.dead")
        is_past = 0 < self._done_at.get(rule, 0) - at <= HEARD_LATE_MS
        if state == "waiting" or is_well or is_past:
            return []
        reading = Reading(
            is_bad=state == "dead",
            message=f"rule `{rule}`: a run is dead ({error or 'no reason given'})",
            well="a run was done again",
            hint=f"run it again: hookagent retry {run_id}   all: hookagent dead",
            facts={"run": run_id, "error": error},
        )
        return self._say("run.dead", rule, reading, at)

    def tunnel(self, provider: str, state: str, detail: str, at: int) -> list[Alert]:
        """Take a change of the tunnel."""
        self._provider = provider
        if state == "expiring":
            reading = Reading(
                is_bad=True,
                message=f"tunnel `{provider}` ends soon: {detail}",
                hint="a new address comes then; a reserved domain keeps it",
                facts={"detail": detail},
            )
            return self._say("tunnel.expiring", provider, reading, at)
        if state not in DOWN | UP:
            return []
        self._tunnel = Reading(
            is_bad=state in DOWN,
            message=f"tunnel `{provider}` is down: {detail or state}",
            well="the tunnel is up",
            hint="deliveries cannot arrive; see: hookagent doctor",
            facts={"detail": detail},
        )
        said = self._say("tunnel.down", provider, self._tunnel, at)
        if state in UP:
            said += self._say("tunnel.expiring", provider, Reading(is_bad=False), at)
        return said

    def measured(self, found: Measured, now: int) -> list[Alert]:
        """Take what was measured: queue, disk, breakers."""
        began = max(found.oldest_unrouted_at, self._awake_since)  # what a stop left is no jam
        waited = now - began if found.oldest_unrouted_at else 0
        said = self._say("watch.queue", "queue", self._queue(waited), now)
        if found.disk_free is not None:
            said += self._say("disk.low", "disk", self._disk(found.disk_free), now)
        for ends in found.ends:
            judged = reading(ends, now, self._thresholds.expires_ms)
            said += self._say(ends.kind, ends.subject, judged, now)
        known = self._standings.get("breaker.open", {})
        for target in [
            *found.open_breakers,
            *(one for one in list(known) if one not in found.open_breakers),
        ]:
            said += self._say("breaker.open", target, self._breaker(target, found), now)
        if found.open_breakers:  # that a target is down says why its runs fail; once is enough
            for key in [key for key in self._tallies if key[0] == "rule"]:
                del self._tallies[key]
        return said

    def _queue(self, waited: int) -> Reading:
        return Reading(
            is_bad=waited > self._thresholds.queue_ms,
            message=f"a stored event has waited {duration(waited)} to be matched",
            well="nothing waits too long",
            hint="see: hookagent stats",
            facts={"waited_ms": waited},
        )

    def _disk(self, free: int) -> Reading:
        return Reading(
            is_bad=free < self._thresholds.disk_free,
            message=f"only {size(free)} are left where the store is",
            well="there is room again",
            hint="free some, or: hookagent prune",
            facts={"free_bytes": free},
        )

    @staticmethod
    def _breaker(target: str, found: Measured) -> Reading:
        failures = found.open_breakers.get(target, 0)
        return Reading(
            is_bad=target in found.open_breakers,
            message=f"`{target}` is down: {failures} calls failed in a row, runs for it wait",
            well="it answers again",
            hint="nothing is lost; the runs are tried again when it is back",
            facts={"failures": failures},
        )

    # Time.

    def slept(self, now: int) -> None:
        """Note that nothing could arrive until now: what is counted says nothing."""
        self._awake_since = now
        self._arrived = dict.fromkeys(self._arrived, 0)
        self._bucket = now // BUCKET_MS
        self._tallies.clear()
        if self._tunnel is not None and self._tunnel.is_bad:
            self._forget("tunnel.down")  # it went with the sleep; it has its time to come back

    def _forget(self, kind: str) -> None:
        """Drop what is not told yet; an open alert stays open."""
        kept = {s: one for s, one in self._standings.get(kind, {}).items() if one.alerted_at}
        self._standings[kind] = kept

    def tick(self, now: int) -> list[Alert]:
        """Let time pass: close buckets, judge rates, errors and the tunnel."""
        said: list[Alert] = []
        bucket = now // BUCKET_MS
        if bucket > self._bucket:
            self._bucket = bucket
            is_resting = now - self._awake_since < SETTLE_MS
            for source, count in self._arrived.items():
                if not is_resting:
                    said += self._rate(source, count, now)
                self._arrived[source] = 0
        for (kind, name), tally in self._tallies.items():
            said += self._errors(kind, name, tally, now)
        if self._tunnel is not None:
            said += self._say("tunnel.down", self._provider, self._tunnel, now)
        return said

    def _rate(self, source: str, count: int, now: int) -> list[Alert]:
        counts = self._counts[source]
        change = compare(counts, count, self._thresholds.sensitivity)
        since = self._alerted_at("watch.spike", source) or self._alerted_at("watch.drop", source)
        if since and now - since >= ADOPTED_MS:
            counts, change = Counts(), Change.USUAL
        usual = counts.usual
        middle = round(usual.median) if usual else count
        said: list[Alert] = []
        for kind, wanted, word in (
            ("watch.spike", Change.SPIKE, "unusually many"),
            ("watch.drop", Change.DROP, "unusually few"),
        ):
            reading = Reading(
                is_bad=change is wanted,
                message=f"`{source}`: {word} events, {count} in 5 min; usual are about {middle}",
                well=f"{count} events in 5 min are usual",
                hint=f"see: hookagent stats, hookagent inspect --source {source}",
                facts={"count": count, "usual": middle},
            )
            said += self._say(kind, source, reading, now)
        if change is Change.USUAL:
            self._counts[source] = counts.learn(count)
        return said

    def _errors(self, kind: str, name: str, tally: Tally, now: int) -> list[Alert]:
        good, bad = tally.counts(now)
        allowed = self._thresholds.errors * (good + bad)
        is_bad = bad >= self._thresholds.errors_least and bad > allowed
        what = "deliveries were refused" if kind == "source" else "tries failed"
        reading = Reading(
            is_bad=is_bad,
            message=f"{kind} `{name}`: {bad} of {good + bad} {what} in 10 min",
            well="most succeed again",
            hint="see: hookagent inspect --status dead"
            if kind == "rule"
            else f"see: hookagent inspect --source {name}",
            facts={"failed": bad, "total": good + bad, "of": kind},
        )
        return self._say("watch.errors", f"{kind} {name}", reading, now)

    # Levels.

    def _say(self, kind: str, subject: str, reading: Reading, now: int) -> list[Alert]:
        known = self._standings.setdefault(kind, {})
        before = known.get(subject, WELL)
        if not reading.is_bad and before == WELL:
            return []
        standing, alert = judge(self._levels[kind], before, reading, subject, now)
        if standing == WELL:
            known.pop(subject, None)
        elif subject in known or len(known) < SUBJECTS_MAX:
            known[subject] = standing
        return [] if alert is None else [alert]

    def _alerted_at(self, kind: str, subject: str) -> int:
        return self._standings.get(kind, {}).get(subject, WELL).alerted_at

    def _tally(self, kind: str, name: str) -> Tally:
        tally = self._tallies.get((kind, name))
        if tally is None:
            if len(self._tallies) >= SUBJECTS_MAX:
                self._tallies.pop(next(iter(self._tallies)))
            tally = self._tallies[kind, name] = Tally()
        return tally

    # Restarts.

    def memory(self) -> Memory:
        """Return what the next process needs to go on."""
        standings = {kind: dict(known) for kind, known in self._standings.items() if known}
        return Memory(standings=standings, counts=dict(self._counts))

    def recall(self, memory: Memory) -> None:
        """Go on from what an earlier process knew."""
        self._standings = {
            kind: dict(known) for kind, known in memory.standings.items() if kind in self._levels
        }
        for source, counts in memory.counts.items():
            if source in self._counts:
                self._counts[source] = counts
