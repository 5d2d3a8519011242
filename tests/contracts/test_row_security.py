"""PostgreSQL itself keeps clinics apart: in every table of every service, for both its roles.

Read from the catalogues of the migrated databases, so that no table is left out by a list.
"""

import pytest

from evenkeel_ops.provision import SERVICES

WITH_CLINIC = """
    SELECT c.oid, c.relname, c.relrowsecurity AND c.relforcerowsecurity
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE a.attname = 'clinic_id' AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f', 'm')
      AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
    ORDER BY c.relname
"""
POLICIES = """
    SELECT coalesce(r.rolname, 'PUBLIC'), p.polcmd,
           pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
    FROM pg_policy p CROSS JOIN unnest(p.polroles) AS one LEFT JOIN pg_roles r ON r.oid = one
    WHERE p.polrelid = %s ORDER BY 1
"""
STRENGTHS = """
    SELECT r.rolsuper, r.rolbypassrls, r.rolcreaterole,
           EXISTS (SELECT FROM pg_class WHERE relowner = r.oid),
           EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid)
    FROM pg_roles r WHERE r.rolname = %s
"""
MINE = "(clinic_id = ANY ((NULLIF(current_setting('app.clinics'::text, true), ''::text))::uuid[]))"
WATCHED = {"crisis": {"cases": ("crisis_watch", "r", "true", None)}}
"""Tables that a watchdog reads across clinics, in columns that name nobody."""
HARMLESS = (False, False, False, False, False)


@pytest.fixture
def database_of(postgres, migrated):
    """`database_of("intake")` is the superuser's cursor in the migrated database."""
    connections = []

    def connected(service):
        connections.append(postgres.connect(migrated(service)))
        connections[-1].autocommit = False
        return connections[-1].cursor()

    yield connected
    for connection in connections:
        connection.rollback()
        connection.close()


@pytest.mark.parametrize("service", SERVICES)
def test_every_table_with_a_clinic_shows_a_request_its_own_clinics_only(database_of, service):
    cursor = database_of(service)
    assert len(tables_with_a_clinic(cursor)) >= 8
    assert unprotected(cursor, service) == []


@pytest.mark.parametrize("service", SERVICES)
def test_the_working_roles_own_nothing_and_bypass_nothing(database_of, service):
    cursor = database_of(service)
    for role in (f"{service}_http", f"{service}_work"):
        assert strengths(cursor, role) == HARMLESS, role


@pytest.mark.parametrize(
    "faults",
    [
        "",
        "ENABLE ROW LEVEL SECURITY",
        "ENABLE ROW LEVEL SECURITY; ALTER TABLE forgotten FORCE ROW LEVEL SECURITY",
        "ENABLE ROW LEVEL SECURITY; ALTER TABLE forgotten FORCE ROW LEVEL SECURITY;"
        "CREATE POLICY work ON forgotten TO intake_work USING (true) WITH CHECK (true);"
        "CREATE POLICY http ON forgotten TO intake_http USING (true) WITH CHECK (true)",
    ],
    ids=["no security", "not forced", "no policies", "a policy that shows all"],
)
def test_a_table_that_forgot_its_policy_is_found(database_of, faults):
    cursor = database_of("intake")
    cursor.execute("CREATE TABLE forgotten (id uuid, clinic_id uuid)")
    if faults:
        cursor.execute(f"ALTER TABLE forgotten {faults}")
    assert unprotected(cursor, "intake") == ["forgotten"]


@pytest.mark.parametrize(
    "fault",
    [
        "ALTER ROLE intake_http BYPASSRLS",
        "GRANT intake_owner TO intake_http",
        "ALTER TABLE episodes OWNER TO intake_http",
    ],
)
def test_a_role_that_became_stronger_is_found(database_of, fault):
    cursor = database_of("intake")
    cursor.execute(fault)
    assert strengths(cursor, "intake_http") != HARMLESS


def tables_with_a_clinic(cursor):
    cursor.execute(WITH_CLINIC)
    return cursor.fetchall()


def unprotected(cursor, service):
    """Tables with a clinic whose security is not forced, or whose policies say anything else than
    that work sees all, a request the clinics of its transaction, and a watchdog what it watches."""
    wanted = [(f"{service}_http", "*", MINE, MINE), (f"{service}_work", "*", "true", "true")]
    found = []
    for table, name, forced in tables_with_a_clinic(cursor):
        cursor.execute(POLICIES, (table,))
        watched = WATCHED.get(service, {}).get(name)
        if not forced or cursor.fetchall() != sorted([*wanted, *([watched] if watched else [])]):
            found.append(name)
    return found


def strengths(cursor, role):
    """Superuser, bypasses row security, makes roles, owns a table, is a member of another role."""
    cursor.execute(STRENGTHS, (role,))
    return cursor.fetchone()
