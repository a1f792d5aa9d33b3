"""Whom the application is in an embedded database, and the statements, one a line, by which it becomes so."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

#: The owner of the application's database, which has the same name, and no superuser.
ROLE = "dispatch"
#: Part of the socket's name.
PORT = 5432
#: For copies of the whole cluster; with a database of the same name.
SUPERUSER = "postgres"
NEW_ROLE = f"CREATE ROLE {ROLE} LOGIN;\n"
#: A new cluster gets a database of the application's.
NEW = NEW_ROLE + f"CREATE DATABASE {ROLE} OWNER {ROLE};\n"
#: One from before there was the role kept everything, as the superuser's, in the database postgres.
OLD = (
    NEW_ROLE + f"ALTER DATABASE {SUPERUSER} RENAME TO {ROLE};\nALTER DATABASE {ROLE} OWNER TO {ROLE};\n"
    f"CREATE DATABASE {SUPERUSER};\n"
)
#: In the application's database: all in it is the role's. A sequence that is a column's goes with its table.
OBJECTS = (
    "DO $$ DECLARE o record; BEGIN "
    "ALTER SCHEMA public OWNER TO ROLE_NAME; "
    "FOR o IN SELECT c.oid::regclass AS name FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace "
    "AND (c.relkind IN ('r', 'p', 'v', 'm') OR c.relkind = 'S' AND NOT EXISTS (SELECT FROM pg_depend d "
    "WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i'))) LOOP "
    "EXECUTE format('ALTER TABLE %s OWNER TO ROLE_NAME', o.name); END LOOP; "
    "FOR o IN SELECT p.oid::regprocedure AS name FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace LOOP "
    "EXECUTE format('ALTER ROUTINE %s OWNER TO ROLE_NAME', o.name); END LOOP; "
    "FOR o IN SELECT t.oid::regtype AS name FROM pg_type t WHERE t.typnamespace = 'public'::regnamespace "
    "AND t.typtype IN ('e', 'd') LOOP "
    "EXECUTE format('ALTER TYPE %s OWNER TO ROLE_NAME', o.name); END LOOP; END $$;\n"
).replace("ROLE_NAME", ROLE)


def address(folder: Path, user: str, database: str) -> str:
    """The DSN of the server whose socket is in this folder. What PGPORT and PGSSLMODE say is of somebody else's."""
    where = f"host={quote(str(folder))}&port={PORT}&sslmode=disable"
    return f"postgresql://{quote(user, safe='')}@/{quote(database, safe='')}?{where}"
