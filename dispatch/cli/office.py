"""Commands of the offices: the first member of the back office's and of the ERP's staff, and the proof of the audit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from dispatch.services import Services

admin = typer.Typer(no_args_is_help=True, help="Staff of the back office.")
erp = typer.Typer(no_args_is_help=True, help="Staff of the ERP.")
audit = typer.Typer(no_args_is_help=True, help="What staff and services did.")

Data = Annotated[Path | None, typer.Option(help="Folder of the embedded database and generated keys (DISPATCH_DATA).")]
Role = Literal["super_admin", "admin", "support", "finance"]
ErpRole = Literal["admin", "sales", "credit_controller", "viewer"]
Address = Annotated[str, typer.Argument(help="The address that they sign in with.")]
Name = Annotated[str, typer.Option(help="What they are called.")]
PasswordStdin = Annotated[bool, typer.Option(help="Read the password from standard input.")]


def register(app: typer.Typer) -> None:
    """Adds these commands to the application's."""
    app.add_typer(admin, name="admin")
    app.add_typer(erp, name="erp")
    app.add_typer(audit, name="audit")


@admin.command("create")
def create(
    email: Address,
    name: Name = "Administrator",
    role: Annotated[Role, typer.Option(help="What they may do.")] = "super_admin",
    password_stdin: PasswordStdin = False,
    data: Data = None,
) -> None:
    """Make somebody staff. Without a password prints a link with which they choose one."""
    from dispatch.access import passwords
    from dispatch.cli.setup import settings_of
    from dispatch.cli.tools import with_services
    from dispatch.parties import staff

    address, password = _address(email), _password(password_stdin)

    async def work(services: Services) -> None:
        made, token = await staff.create(services, staff.COMMAND_LINE, address, name, role, password)
        print(f"{made.email} is {made.role}, id {made.id}")
        if token is not None:
            print(f"the password is chosen, once and within {staff.LINK_HOURS} hours, at")
            print(passwords.page_of(services.settings, token))

    with_services(settings_of(data=data, joins=True), work)


@erp.command("create")
def create_clerk(
    email: Address,
    name: Name = "Administrator",
    role: Annotated[ErpRole, typer.Option(help="What they may do.")] = "admin",
    password_stdin: PasswordStdin = False,
    data: Data = None,
) -> None:
    """Make somebody one of the ERP's staff. Without a password prints a link with which they choose one."""
    from dispatch.access import passwords
    from dispatch.cli.setup import settings_of
    from dispatch.cli.tools import with_services
    from dispatch.events import SYSTEM
    from dispatch.parties import erp_team

    address, password = _address(email), _password(password_stdin)

    async def work(services: Services) -> None:
        token = await erp_team.create(services, SYSTEM, address, name, role, password)
        print(f"{address} is {role} of the ERP")
        if token is not None:
            print("the password is chosen, once, at")
            print(passwords.page_of(services.settings, token))

    with_services(settings_of(data=data, joins=True), work)


def _address(text: str) -> str:
    from pydantic import EmailStr, TypeAdapter, ValidationError

    from dispatch.cli.failure import Refused

    try:
        return TypeAdapter(EmailStr).validate_python(text)
    except ValidationError:
        raise Refused(f"{text} is no e-mail address.") from None


def _password(is_read: bool) -> str | None:
    return sys.stdin.readline().rstrip("\r\n") if is_read else None


@audit.command("verify")
def verify(data: Data = None) -> None:
    """Prove that nothing in the audit was changed or taken out. Exit code 1 when something was."""
    from dispatch.cli.setup import settings_of
    from dispatch.cli.tools import with_services
    from dispatch.engine import audit as audits
    from dispatch.engine import audit_checks

    async def work(services: Services) -> bool:
        async with services.transaction() as tx:
            found = await audit_checks.prove(tx)
            head = await audits.head(tx.conn)
        for line in found:
            print(line)
        print(f"{head.seq} entries, the last is {head.hash.hex() or 'none'}: {len(found) or 'no'} findings")
        return not found

    raise SystemExit(0 if with_services(settings_of(data=data, joins=True), work) else 1)
