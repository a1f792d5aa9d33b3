"""Commands of the back office: the first member of staff, and the proof of the audit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from dispatch.services import Services

admin = typer.Typer(no_args_is_help=True, help="Staff of the back office.")
audit = typer.Typer(no_args_is_help=True, help="What staff and services did.")

Data = Annotated[Path | None, typer.Option(help="Folder of the embedded database and generated keys (DISPATCH_DATA).")]
Role = Literal["super_admin", "admin", "support", "finance"]


def register(app: typer.Typer) -> None:
    """Adds these commands to the application's."""
    app.add_typer(admin, name="admin")
    app.add_typer(audit, name="audit")


@admin.command("create")
def create(
    email: Annotated[str, typer.Argument(help="The address that they sign in with.")],
    name: Annotated[str, typer.Option(help="What they are called.")] = "Administrator",
    role: Annotated[Role, typer.Option(help="What they may do.")] = "super_admin",
    password_stdin: Annotated[bool, typer.Option(help="Read the password from standard input.")] = False,
    data: Data = None,
) -> None:
    """Make somebody staff. Without a password prints a link with which they choose one."""
    from pydantic import EmailStr, TypeAdapter, ValidationError

    from dispatch.access import passwords
    from dispatch.cli.failure import Refused
    from dispatch.cli.setup import settings_of
    from dispatch.cli.tools import with_services
    from dispatch.parties import staff

    try:
        address = TypeAdapter(EmailStr).validate_python(email)
    except ValidationError:
        raise Refused(f"{email} is no e-mail address.") from None
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None

    async def work(services: Services) -> None:
        made, token = await staff.create(services, staff.COMMAND_LINE, address, name, role, password)
        print(f"{made.email} is {made.role}, id {made.id}")
        if token is not None:
            print(f"the password is chosen, once and within {staff.LINK_HOURS} hours, at")
            print(passwords.page_of(services.settings, token))

    with_services(settings_of(data=data), work, makes=True)


@audit.command("verify")
def verify(data: Data = None) -> None:
    """Prove that nothing in the audit was changed or taken out. Exit code 1 when something was."""
    from dispatch.cli.setup import settings_of
    from dispatch.cli.tools import with_services
    from dispatch.engine import audit as audits

    async def work(services: Services) -> bool:
        async with services.read() as conn:
            found = await audits.verify(conn)
            head = await audits.head(conn)
        for line in found:
            print(line)
        print(f"{head.seq} entries, the last is {head.hash.hex() or 'none'}: {len(found) or 'no'} findings")
        return not found

    raise SystemExit(0 if with_services(settings_of(data=data, joins=True), work) else 1)
