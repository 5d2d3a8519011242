"""Every route asks who is calling, and lets in the roles it names and no others."""

from uuid import UUID, uuid4

import httpx
import pytest

from evenkeel_ops.provision import SERVICES
from web.callers import ROLES, SERVICE
from web.hosting import service_class
from web.routes import routes_of

OPEN = {("GET", "/crisis/numbers")}
"""What anyone may ask for, besides health, readiness and the OpenAPI documents."""

ID = UUID(int=0)
SIGNED = {
    ("POST", "/crisis/receipts/<string:channel>/<string:company>"),
    ("POST", "/crisis/replies/<string:company>"),
    ("POST", "/notifications/receipts"),
    ("POST", "/notifications/replies"),
}
"""What providers post, who are no callers: refused unless they signed it."""

PEOPLE = [role for role in ROLES if role != SERVICE]
ROUTES = [(service, route) for service in SERVICES for route in routes_of(service_class(service))]


def path_of(service, route):
    path = route.path.replace("{service}", service)
    while "<" in path:
        before, _, rest = path.partition("<")
        path = f"{before}{ID}{rest.partition('>')[2]}"
    return path


def test_only_the_known_routes_are_open():
    assert {(r.method, r.path) for _, r in ROUTES if r.open} == OPEN | SIGNED


@pytest.mark.parametrize(
    ("service", "route"), ROUTES, ids=[f"{r.method} {r.path}" for _, r in ROUTES]
)
def test_a_route_admits_its_roles_and_no_others(asked_house, service, route):
    path = path_of(service, route)
    asked = {"json": {}} if route.body else {}
    if (route.method, route.path) in SIGNED:
        posted = httpx.post(asked_house.address + path, params={"key": str(ID)}, data={"a": "b"})
        assert posted.status_code in (403, 404, 422)
        return
    if route.open:
        assert httpx.request(route.method, asked_house.address + path).status_code == 200
        return
    anonymous = httpx.request(route.method, asked_house.address + path, **asked)
    assert anonymous.status_code == 401
    for role in PEOPLE:
        answer = asked_house.call(route.method, path, role=role, clinics=[uuid4()], **asked)
        if role in route.allow:
            assert answer.status_code not in (401, 403), (role, answer.text)
        else:
            assert answer.status_code == 403, (role, answer.text)
        assert answer.status_code < 500, (role, answer.text)
