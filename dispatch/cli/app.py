"""The commands, top to bottom; each one reads its options and calls the module that does the work."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from dispatch.cli import backups, money, office
from dispatch.cli.failure import Refused, explained

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Dispatch: bookings, offers over live sockets, tracking and money. Settings come from the "
    "environment (`dispatch config` lists them).",
)
zones = typer.Typer(no_args_is_help=True, help="The areas in which services are offered.")
app.add_typer(zones, name="zones")
money.register(app)
office.register(app)
backups.register(app)

Host = Annotated[str | None, typer.Option(help="Address to listen on (DISPATCH_HTTP__HOST).")]
Port = Annotated[int | None, typer.Option(help="Port; 0 takes a free one (DISPATCH_HTTP__PORT).")]
Data = Annotated[Path | None, typer.Option(help="Folder of the embedded database and generated keys (DISPATCH_DATA).")]
Workers = Annotated[int | None, typer.Option(help="Processes on the port; more than one needs REDIS_URL.")]
Technicians = Annotated[int, typer.Option(min=0, help="How many technicians.")]
Customers = Annotated[int, typer.Option(min=0, help="How many customers.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same city and people.")]
Speed = Annotated[float, typer.Option(min=0.01, max=3600, help="How much faster than real time.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]


def main() -> None:
    """The entry point of the command."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that has not every letter shows the number of one: no name of a zone ends a command.
        sys.stdout.reconfigure(errors="backslashreplace")
    with explained():
        app(prog_name="dispatch")


@app.command()
def serve(host: Host = None, port: Port = None, data: Data = None, workers: Workers = None) -> None:
    """Run the server until SIGTERM or Ctrl-C; prints `ready http://...` when it answers."""
    from dispatch.cli import serving
    from dispatch.cli.setup import settings_of

    raise SystemExit(serving.serve(settings_of(host=host, port=port, data=data, workers=workers)))


@app.command()
def demo(
    host: Host = None,
    port: Port = None,
    data: Data = None,
    technicians: Technicians = 60,
    customers: Customers = 20,
    seed: Seed = 1,
    speed: Speed = 20.0,
) -> None:
    """Run the server with a seeded city and simulated people who use it."""
    from dispatch.cli import demo as demonstration
    from dispatch.cli.setup import settings_of
    from dispatch.simulation.scene import SimulationOptions

    settings = settings_of(host=host, port=port, data=data, trusted_hops=demonstration.HOPS)
    options = SimulationOptions(technicians, customers, seed, speed, is_endless=True)
    raise SystemExit(demonstration.demo(settings, options))


@app.command()
def simulate(
    traces: Annotated[
        Path | None, typer.Option(help="CSV of recorded trips (column POLYLINE); else a made-up city.")
    ] = None,
    url: Annotated[str | None, typer.Option(help="A running server; without it one is started.")] = None,
    data: Data = None,
    technicians: Technicians = 30,
    customers: Customers = 10,
    seed: Seed = 1,
    speed: Speed = 60.0,
    duration: Annotated[
        float | None,
        typer.Option(min=0.1, help="Stop after so many simulated minutes; else when all bookings ended."),
    ] = None,
    bookings: Annotated[int, typer.Option(min=1, help="How many bookings each customer makes.")] = 1,
    forever: Annotated[bool, typer.Option(help="Go on until stopped.")] = False,
    timezone: Annotated[str, typer.Option(help="Of the zone made from the trips.")] = "UTC",
    currency: Annotated[str, typer.Option(help="Of the zone made from the trips.")] = "EUR",
    as_json: AsJson = False,
) -> None:
    """Let simulated people use the server, and report what happened. Exit code 1 when an event was missed."""
    from dispatch.cli import demo as demonstration
    from dispatch.cli.setup import settings_of
    from dispatch.simulation.scene import SimulationOptions

    duration_s = None if duration is None else duration * 60
    options = SimulationOptions(
        technicians,
        customers,
        seed,
        speed,
        traces,
        duration_s,
        timezone,
        currency,
        bookings,
        is_endless=forever,
    )
    settings = settings_of(
        data=data, trusted_hops=None if url else demonstration.HOPS, joins=url is not None, url=url
    )
    raise SystemExit(demonstration.simulate(settings, options, url, is_data_given=data is not None, as_json=as_json))


@app.command()
def migrate(
    data: Data = None,
    dry_run: Annotated[bool, typer.Option(help="Only say what would be applied.")] = False,
) -> None:
    """Bring the database's schema up to date."""
    from dispatch.cli import tools
    from dispatch.cli.setup import settings_of

    tools.migrate(settings_of(data=data, joins=True), dry_run=dry_run)


@app.command()
def seed(data: Data = None, technicians: Technicians = 60, customers: Customers = 20, seed: Seed = 1) -> None:
    """Fill the database with a city, a catalogue and people; run again, it adds what is missing."""
    from dispatch.cli import tools
    from dispatch.cli.setup import settings_of

    tools.seed(settings_of(data=data, joins=True), technicians, customers, seed)


@app.command()
def outbox(
    to: Annotated[str | None, typer.Option(help="Only messages to this address (a phone, an e-mail).")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """List what would have been sent, the newest first; one-time codes too, in development only."""
    from dispatch.cli import tools
    from dispatch.cli.setup import settings_of

    tools.outbox(settings_of(data=data, joins=True), to, limit, as_json=as_json)


@app.command()
def token(
    kind: Annotated[str, typer.Argument(help="technician, customer, admin or service")],
    name: Annotated[str, typer.Argument(help="An id, a phone, a code like PT-001, an e-mail; for a service any name")],
    data: Data = None,
    revoke: Annotated[bool, typer.Option("--revoke", help="End the tokens of this service instead")] = False,
) -> None:
    """Mint an access token for development and print it."""
    from dispatch.cli import tools
    from dispatch.cli.setup import settings_of

    tools.token(settings_of(data=data, joins=True), kind, name, revoke=revoke)


@zones.command("import")
def zones_import(
    file: Annotated[Path, typer.Argument(help="GeoJSON with one feature per zone.")],
    timezone: Annotated[str | None, typer.Option(help="For features that name none, known zones too.")] = None,
    currency: Annotated[str | None, typer.Option(help="For features that name none, known zones too.")] = None,
    name_property: Annotated[str | None, typer.Option(help="The property with the zone's name.")] = None,
    city: Annotated[str | None, typer.Option(help="For features that name none.")] = None,
    state: Annotated[str | None, typer.Option(help="For features that name none.")] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Tell what is wrong with bad features and import the others.")
    ] = False,
    data: Data = None,
) -> None:
    """Write every feature of a GeoJSON file as a zone, all or nothing unless told otherwise."""
    from dispatch.cli import tools
    from dispatch.cli.setup import settings_of

    tools.import_zones(
        settings_of(data=data, joins=True), file, timezone, currency, name_property, city, state, skip_bad=skip_bad
    )


@zones.command("list")
def zones_list(data: Data = None, as_json: AsJson = False) -> None:
    """List the zones."""
    from dispatch.cli import tools
    from dispatch.cli.setup import settings_of

    tools.list_zones(settings_of(data=data, joins=True), as_json=as_json)


@app.command()
def routes(as_json: AsJson = False) -> None:
    """List every endpoint: who may call it, where, and what it does."""
    from dispatch.cli import documents

    documents.routes(as_json=as_json)


@app.command()
def openapi() -> None:
    """Print the OpenAPI 3.1 document."""
    from dispatch.cli import documents

    documents.openapi()


@app.command()
def asyncapi() -> None:
    """Print the AsyncAPI 3 document of the socket events."""
    from dispatch.cli import documents

    documents.asyncapi()


@app.command()
def config(
    markdown: Annotated[bool, typer.Option(help="The table of the README, with the defaults.")] = False,
) -> None:
    """List every setting: its variable, its value here, and what it is for."""
    from dispatch.cli import documents
    from dispatch.cli.setup import settings_of

    if markdown:
        print(documents.settings_markdown())
    else:
        documents.settings_table(settings_of())


@app.command()
def doctor(data: Data = None) -> None:
    """Look at everything that a server needs, and say what to do where something is wrong."""
    from dispatch.cli.doctor import examination
    from dispatch.cli.setup import settings_of

    raise SystemExit(examination.examine(settings_of(data=data, joins=True)))


@app.command()
def bench(
    parts: Annotated[list[str] | None, typer.Argument(help="index history ping fanout offer …; none: all.")] = None,
    technicians: Annotated[int, typer.Option(min=100, help="Technicians in the index.")] = 100_000,
    city: Annotated[
        int, typer.Option(min=1000, help="Technicians of the server's city; some parts want 10,100.")
    ] = 10_100,
    seed: Seed = 1,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Rounds, in turns with the peers; medians count.")] = 3,
    rows: Annotated[int, typer.Option(min=1000, help="Bookings behind the lists.")] = 1_000_000,
    quick: Annotated[bool, typer.Option(help="A tenth of everything, to see that it works.")] = False,
    out: Annotated[Path | None, typer.Option(help="Keep the figures in this JSON file, beside other parts'.")] = None,
    tables: Annotated[
        Path | None, typer.Option(help="Print the README's tables of the figures in this file, and measure nothing.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure the index and the real server beside the peers that are found, and print the ratios.

    Node and Bun stand beside where DISPATCH_BENCH_MODULES names a folder in which `npm install socket.io redis bun
    @socket.io/bun-engine` was run.
    """
    from dispatch.cli.bench import run, tables_of

    if tables is not None:
        print(tables_of(tables))
        return
    raise SystemExit(
        run(
            parts or [],
            technicians=technicians,
            city=city,
            seed=seed,
            rounds=rounds,
            rows=rows,
            quick=quick,
            out=out,
            as_json=as_json,
        )
    )


@app.command()
def gateway(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.")] = 8090,
    data: Annotated[Path | None, typer.Option(help="Folder of its state; without one it forgets.")] = None,
    webhook_url: Annotated[str, typer.Option(help="Where signed webhooks go.")] = "",
    public_url: Annotated[str, typer.Option(help="How a browser reaches it, if not by host and port.")] = "",
    seed: Annotated[int | None, typer.Option(help="The same ids and faults in every run.")] = None,
) -> None:
    """Run the local payment gateway, which speaks Razorpay's HTTP and sends signed webhooks."""
    from dispatch.cli.setup import refuse_production, settings_of
    from dispatch.local_gateway.server import KEY_ID, KEY_SECRET, WEBHOOK_SECRET, CannotServe, run

    refuse_production(settings_of(), "The local payment gateway")
    try:
        run(
            host=host, port=port, data=data, key_id=KEY_ID, key_secret=KEY_SECRET, webhook_secret=WEBHOOK_SECRET,
            webhook_url=webhook_url, public_url=public_url, seed=seed,
        )  # fmt: skip
    except CannotServe as e:
        raise Refused(str(e)) from None


@app.command(hidden=True)
def node(ready_fd: Annotated[int, typer.Option(help="Gets a byte when this worker answers.")]) -> None:
    """One of the workers of `serve --workers N`."""
    from dispatch.cli import serving
    from dispatch.cli.setup import settings_of

    raise SystemExit(serving.serve_as_node(settings_of(), ready_fd))
