"""How technicians are found, asked and watched."""

from __future__ import annotations

from pydantic import BaseModel, Field

from dispatch.config.values import Days


class ScoreWeights(BaseModel):
    """What counts how much in matching."""

    distance: float = Field(0.5, ge=0, description="Weight of nearness")
    rating: float = Field(0.2, ge=0, description="Weight of the rating")
    availability: float = Field(0.15, ge=0, description="Weight of the time since the last job")
    reliability: float = Field(0.15, ge=0, description="Weight of few cancellations")


class OfferWindow(BaseModel):
    """A shorter window for jobs that start soon."""

    lead_below_s: float = Field(gt=0, description="For jobs that start within so many seconds")
    window_s: float = Field(gt=0, description="The technician may think so long")


class Watch(BaseModel):
    """The watchdog of accepted jobs, in seconds of the domain's time."""

    ahead_s: float = Field(7200, ge=0, description="Watching begins so long before the start")
    tick_s: float = Field(60, gt=0, description="Between two looks")
    late_grace_s: float = Field(600, ge=0, description="Later than this after having had to leave is late")
    stalled_s: float = Field(600, ge=0, description="Without progress so long is stalled")
    dark_s: float = Field(180, ge=0, description="Without a fix so long is dark")
    bad_ticks: int = Field(2, ge=1, description="Bad looks in a row before the warning")
    reassign_after_s: float = Field(
        600, ge=0, description="A problem that lasts so long after the warning costs the job"
    )
    unfinished_s: float = Field(
        3600, ge=0, description="Of work that goes on so much longer than planned technician and staff are told"
    )


class Dispatch(BaseModel):
    """The engine."""

    offer_window_s: float = Field(900, gt=0, description="partner_assignment_timeout: how long an offer is open")
    offer_window_min_s: float = Field(60, gt=0, description="The shortest window of an offer")
    offer_windows: list[OfferWindow] = Field([], description="Shorter windows by lead time")
    open_offers: int = Field(
        3, ge=1, le=10, description="Offers that a technician may hold at once; of jobs that start soon it is 1"
    )
    lead_s: float = Field(3600, ge=0, description="A booking starts at least so long from now")
    max_advance_days: int = Field(30, ge=1, le=365, description="A booking starts at most so many days ahead")
    bulk_horizon_days: int = Field(
        14, ge=1, le=90, description="Visits of an organisation's series become bookings so many days ahead"
    )
    radius_m: float = Field(10_000, gt=0, le=200_000, description="How far technicians are looked for")
    min_rating: float = Field(
        4.0, ge=0, le=5, description="Lower rated technicians get no offers; the unrated count as 4.0"
    )
    fresh_fix_s: float = Field(90, gt=0, description="An older position is stale for jobs that start soon")
    live_horizon_s: float = Field(7200, ge=0, description="Jobs that start within this go by live positions")
    presence_dark_s: float = Field(900, gt=0, description="Without a sign of life so long nobody is available")
    steps_ahead_s: float = Field(7200, ge=0, description="The steps of a job may be made so long before its start")
    weights: ScoreWeights = ScoreWeights()
    watch: Watch = Watch()
    start_code_required: bool = Field(False, description="The technician must enter a code that the customer shows")
    auto_arrive: bool = Field(True, description="A detected arrival moves the job to arrived")
    reports_per_s: float = Field(1.0, gt=0, description="Reports of positions a second, per technician")
    reports_burst: float = Field(5.0, ge=1, description="Reports of positions at once, per technician")
    history_days: Days = Field(30, description="Position history is kept so long")
    explain_days: Days = Field(90, description="Why an offer went where it went is kept so long")
    party_events_days: Days = Field(
        30, description="What technicians were told is kept so long, the newest of each always"
    )
    notifications_days: Days = Field(90, description="Messages in the apps are kept so long")
