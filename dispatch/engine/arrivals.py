"""Temporary."""

from __future__ import annotations

from storage.offers import OpenJob as TrackedJob


class Arrivals:
    def __init__(self, eta: object) -> None:
        self._jobs: dict = {}

    def put(self, job: TrackedJob) -> None:
        self._jobs[job.booking_id] = job

    def drop(self, booking_id) -> None:
        self._jobs.pop(booking_id, None)

    def jobs_of(self, technician_id):
        return [j for j in self._jobs.values() if j.technician_id == technician_id]

    def consider(self, technician_id, fix) -> None: ...

    async def record(self, services) -> None: ...
