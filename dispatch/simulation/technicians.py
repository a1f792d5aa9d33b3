"""A simulated technician: follows recorded trips, answers offers, drives to the customer, does the job."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dispatch.client import documents
from dispatch.client.client import CallFailed, Unreachable
from dispatch.client.technician import TechnicianApi, TechnicianSocket
from dispatch.loops import end
from dispatch.simulation import policies
from dispatch.simulation.paths import Gps, Path, believable_step_s, drive, drive_seconds, recorded, stay
from dispatch.simulation.policies import Answer, dice_for
from dispatch.simulation.scene import Person, Scene

#: Seconds of the domain's time between two fixes, idle and on a job; and the least real time between two reports.
IDLE_FIX_S, JOB_FIX_S, REPORT_S = 15.0, 5.0, 0.25
#: Fixes in one report.
MOST_FIXES = 40
#: One leaves so much earlier than the drive takes, and gives the server so long to notice the arrival.
SPARE_S, DETECTED_S = 420.0, 240.0
#: What a step may meet because somebody else was faster, and is no error.
TOO_LATE = frozenset(
    {"offer_expired", "offer_withdrawn", "offer_answered", "already_assigned", "not_found", "booking_not_found",
     "offer_not_found", "conflict", "wrong_state"}
)  # fmt: skip

#: What becomes of an accepted job, in order.
STEPS = ("accepted", "in_transit", "arrived", "in_progress")


@dataclass(slots=True)
class Job:
    """An accepted booking and the last of STEPS that was taken. `arrived` and `over` are set by facts."""

    booking_id: str
    place: tuple[float, float]
    starts_s: float
    ends_s: float
    state: str = "accepted"
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Technician(Person):
    """Runs until cancelled."""

    kind, namespace, block = "technician", "/technician", 64

    def __init__(self, scene: Scene, number: int, phone: str, own_id: str) -> None:
        super().__init__(scene, number, phone, own_id, dice_for(scene.options.seed, "way", number))
        self.api, self.socket = TechnicianApi(self.rest.call), TechnicianSocket(self.live)
        self.policy = policies.technician(scene.options.seed, number)
        self._gps = Gps(dice_for(scene.options.seed, "gps", number))
        now_s = scene.clock.timestamp()
        trip = scene.world.first_trip(scene.options.seed, number - 1)
        self._path: Path = recorded(trip.points, believable_step_s(trip.points, trip.step_s), now_s)
        self._sampled_s = now_s - IDLE_FIX_S
        self._jobs: dict[str, Job] = {}
        self._driving = False
        self._busy = False
        self._offers = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()

    @property
    def refresh_path(self) -> str:
        return "/v1/partner/auth/refresh-token"

    @property
    def login(self) -> tuple[str, dict[str, str]]:
        return "/v1/partner/auth/login", {}

    async def run(self) -> None:
        """Goes online and reports positions for ever; offers and jobs run beside."""
        socket = asyncio.create_task(self.live.run())
        try:
            await self.live.ready()
            await self._guarded("going online", self.socket.go_online())
            await self._guarded("looking at the agenda", self._take_up())
            while True:
                await self._report()
                await asyncio.sleep(max(REPORT_S, self._fix_s / self.scene.clock.speed))
        finally:
            await end((socket, *self._tasks))

    async def _guarded(self, what: str, work: Any) -> bool:
        """Whether it went well; what goes wrong is counted."""
        try:
            await work
            return True
        except (CallFailed, Unreachable) as e:
            self.scene.tally.wrong(f"{self.name} {what}", e)
            return False

    async def _take_up(self) -> None:
        """Goes on with what was open when an earlier simulation on this database ended."""
        for entry in await self.api.jobs(limit="50"):
            if entry["assignment_status"] == "assigned" and entry["offer_id"] is not None:
                self._spawn(self._consider(entry["id"], entry["offer_id"]))
            elif (job := _taken(entry)) is not None:
                self._spawn(self._attend(job))

    # ------------------------------------------------------------ where they are

    @property
    def _fix_s(self) -> float:
        return JOB_FIX_S if self._driving else IDLE_FIX_S

    async def _report(self) -> None:
        now_s, tally = self.scene.clock.timestamp(), self.scene.tally
        self._keep_moving(now_s)
        # Ends with a fix of this moment, so that a fast clock never leaves the last one stale.
        count = max(1, min(MOST_FIXES, int((now_s - self._sampled_s) / self._fix_s)))
        step_s = (now_s - self._sampled_s) / count
        fixes = []
        for n in range(1, count + 1):
            at_s = self._sampled_s + step_s * n
            fixes.append(self._gps.sample(self._path.at(at_s), at_s))
        try:
            told = await self.socket.report(fixes, int(now_s * 1000))
        except Unreachable:
            tally.lost_reports += 1
            return
        except CallFailed as e:
            # Too early: what happened since is told with the next one.
            if e.code != "rate_limited":
                tally.wrong(f"{self.name} reporting", e)
            return
        self._sampled_s = now_s
        tally.reports += 1
        tally.pings += len(fixes)
        tally.admitted += told["admitted"]
        tally.refreshed += told["refreshed"]
        tally.dropped.update(told["dropped"])

    def _keep_moving(self, now_s: float) -> None:
        """An idle technician whose way has ended drives to the start of another trip, then follows it."""
        if self._busy or now_s < self._path.ends_s:
            return
        here = self._path.points[-1]
        trip = self.scene.world.next_trip(*here, self.dice)
        way = drive(here, trip.start, now_s, self.policy.speed_mps, self.dice)
        then = recorded(trip.points, believable_step_s(trip.points, trip.step_s), way.ends_s)
        self._path = Path(way.times_s + then.times_s[1:], way.points + then.points[1:])

    # ------------------------------------------------------------ what they hear

    def heard(self, event: str, data: dict[str, Any]) -> None:
        if event == "offer.made":
            self._spawn(self._consider(data["booking_id"], data["offer_id"]))
        elif event == "job.updated":
            job = self._jobs.get(str(data.get("booking_id")))
            state = data.get("state")
            if job is not None and state == "arrived":
                job.arrived.set()
            elif job is not None and state in ("completed", "cancelled", "reopened", "reassigned"):
                job.over.set()

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _consider(self, booking_id: str, offer_id: str) -> None:
        self._offers += 1
        tally = self.scene.tally
        tally.offers_heard += 1
        reply = policies.reply(self.policy, self.scene.options.seed, self.number, self._offers)
        tally.answers[reply.answer] += 1
        if reply.answer is Answer.IGNORE:
            return
        await self.scene.sleep(reply.after_s)
        try:
            if reply.answer is Answer.REJECT:
                await self.socket.reject(offer_id, "Too far from here")
                return
            await self.socket.accept(offer_id)
            # The door is told to whoever has the job.
            job = _taken(await self.api.job(booking_id))
        except (CallFailed, Unreachable) as e:
            if isinstance(e, CallFailed) and e.code in TOO_LATE:
                tally.late_answers[e.code] += 1
            else:
                tally.wrong(f"{self.name} answering", e)
            return
        if job is not None:
            await self._attend(job)

    async def _attend(self, job: Job) -> None:
        self._jobs[job.booking_id] = job
        try:
            await self._work(job)
        finally:
            job.over.set()
            self._jobs.pop(job.booking_id, None)

    # ------------------------------------------------------------ the job

    async def _work(self, job: Job) -> None:
        """From acceptance to done; one job after the other."""
        here = self._path.at(self.scene.clock.timestamp())
        way_s = drive_seconds((here.lat, here.lng), job.place, self.policy.speed_mps)
        if job.state == "accepted" and not await self._until(job, job.starts_s - way_s - SPARE_S):
            return
        async with self._turn:
            if job.over.is_set():
                return
            self._busy = True
            try:
                await self._drive_and_do(job)
            finally:
                self._busy = self._driving = False

    async def _drive_and_do(self, job: Job) -> None:
        """The steps that are left: on the way, there, at work, done."""
        if job.state == "accepted" and not await self._advance(job, "in_transit"):
            return
        if job.state == "in_transit" and not await self._drive_there(job):
            return
        if job.state == "arrived" and not await self._advance(job, "in_progress"):
            return
        self._driving = False
        work_s = (job.ends_s - job.starts_s) * self.policy.work_share
        if await self._until(job, self.scene.clock.timestamp() + work_s):
            self.scene.tally.completed += await self._advance(job, "completed")

    async def _drive_there(self, job: Job) -> bool:
        """To the door, where the server should notice the arrival by itself."""
        now_s = self.scene.clock.timestamp()
        here = self._path.at(now_s)
        self._driving = True
        self._path = drive((here.lat, here.lng), job.place, now_s, self.policy.speed_mps, self.dice)
        if not await self._until(job, self._path.ends_s):
            return False
        with suppress(TimeoutError):
            await asyncio.wait_for(job.arrived.wait(), DETECTED_S / self.scene.clock.speed + 1.0)
        self._path = stay(*job.place, self.scene.clock.timestamp())
        if job.arrived.is_set():
            self.scene.tally.arrivals_detected += 1
            job.state = "arrived"
            return True
        arrived = await self._advance(job, "arrived")
        self.scene.tally.arrivals_by_hand += arrived
        return arrived

    async def _until(self, job: Job, at_s: float) -> bool:
        """Waits, unless the job is over before."""
        left_s = at_s - self.scene.clock.timestamp()
        if left_s > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(job.over.wait(), left_s / self.scene.clock.speed)
        return not job.over.is_set()

    async def _advance(self, job: Job, step: str) -> bool:
        if job.over.is_set():
            return False
        try:
            await self.socket.advance(job.booking_id, step)
            job.state = step
            return True
        except (CallFailed, Unreachable) as e:
            job.over.set()
            if isinstance(e, CallFailed) and e.code in TOO_LATE:
                self.scene.tally.late_answers[e.code] += 1
            else:
                self.scene.tally.wrong(f"{self.name} {step}", e)
            return False


def _taken(entry: documents.Job) -> Job | None:
    """A job as it goes on; None for one that is over by now."""
    state, lat, lng = entry["assignment_status"], entry["lat"], entry["lng"]
    if state not in STEPS or lat is None or lng is None:
        return None
    return Job(entry["id"], (lat, lng), _unix(entry["starts_at"]), _unix(entry["ends_at"]), state)


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


__all__ = ["Job", "Technician"]
