import base64
import hashlib
import hmac
import json
import time
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from jwt.algorithms import RSAAlgorithm

from chassis.refusals import NotFound
from libs.web.tests.desk import (
    INTAKE_KEY,
    ISSUER,
    NORTH,
    OTHER_ED_KEY,
    OTHER_RSA_KEY,
    PEOPLE_KEY,
    SOUTH,
    callers,
    claims,
    people_jwks,
    signed,
)
from web.callers import Caller, Callers, Issuer
from web.keys import ServiceKey, StaticKeys
from web.problems import Problem

PUBLIC_PEM = PEOPLE_KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
SHORT_KEY = generate_private_key(public_exponent=65537, key_size=1024)
ATTACKER_JWK = {**people_jwks()["keys"][0], "kid": "attacker"}


def part(content):
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forged(header, content, signature="AAAA"):
    return f"{part(header)}.{part(content)}.{signature}"


def symmetric(secret, **headers):
    """HS256 over a public key; PyJWT itself refuses to sign so."""
    header = {"alg": "HS256", "typ": "at+jwt", "kid": "people-1", **headers}
    signing = f"{part(header)}.{part(claims())}"
    return f"{signing}.{part(hmac.digest(secret, signing.encode(), hashlib.sha256))}"


def by_service(service_claims, key=INTAKE_KEY, **headers):
    headers = {"kid": key.public_jwk()["kid"], "typ": "at+jwt", **headers}
    return jwt.encode(service_claims, key._private, algorithm="EdDSA", headers=headers)


def of_intake(**changes):
    usual = {"iss": "evenkeel:intake", "sub": "intake", "role": "service", "clinics": None}
    return claims(**{**usual, **changes})


def with_header(**changes):
    header = {"alg": "RS256", "typ": "at+jwt", "kid": "people-1", **changes}
    signing = f"{part({k: v for k, v in header.items() if v is not None})}.{part(claims())}"
    signature = RSAAlgorithm(RSAAlgorithm.SHA256).sign(signing.encode(), PEOPLE_KEY)
    return f"{signing}.{part(signature)}"


def attacks():
    """Tokens that nobody must accept. They are young when they are tried: each has one fault."""
    now = int(time.time())
    good = signed(claims())
    header, payload, signature = good.split(".")
    return {
        "alg none, no signature": forged({"alg": "none", "typ": "at+jwt"}, claims(), ""),
        "alg none, kid of the issuer": forged(
            {"alg": "none", "typ": "at+jwt", "kid": "people-1"}, claims(), ""
        ),
        "alg None in mixed case": with_header(alg="nOnE"),
        "signature cut off": f"{header}.{payload}.",
        "signature of another token": f"{header}.{part(claims(role='supervisor'))}.{signature}",
        "HS256 with the public PEM": symmetric(PUBLIC_PEM),
        "HS256 with the public JWK": symmetric(json.dumps(people_jwks()["keys"][0]).encode()),
        "HS256 with an empty secret": symmetric(b""),
        "RS512, a good algorithm that is not this issuer's": jwt.encode(
            claims(), PEOPLE_KEY, "RS512", {"kid": "people-1", "typ": "at+jwt"}
        ),
        "PS256 by the right key": jwt.encode(
            claims(), PEOPLE_KEY, "PS256", {"kid": "people-1", "typ": "at+jwt"}
        ),
        "EdDSA under the RSA issuer": jwt.encode(
            claims(), OTHER_ED_KEY, "EdDSA", {"kid": "people-1", "typ": "at+jwt"}
        ),
        "another RSA key": jwt.encode(
            claims(), OTHER_RSA_KEY, "RS256", {"kid": "people-1", "typ": "at+jwt"}
        ),
        "kid that climbs folders": with_header(kid="../../../../dev/null"),
        "kid with SQL": with_header(kid="x' UNION SELECT 'k"),
        "kid that nobody has": with_header(kid="people-2"),
        "kid that is a list": with_header(kid=["people-1"]),
        "no kid": with_header(kid=None),
        "jku of the attacker": with_header(jku="https://attacker.example/jwks.json"),
        "x5u of the attacker": with_header(x5u="https://attacker.example/cert.pem"),
        "x5c in the header": with_header(x5c=["MIIB"]),
        "jwk in the header": with_header(jwk=ATTACKER_JWK),
        "crit nobody understands": with_header(crit=["exp"], exp=now + 9),
        "crit that is empty": with_header(crit=[]),
        "b64 switched off": with_header(b64=False, crit=["b64"]),
        "zip": with_header(zip="DEF"),
        "typ of an identity token": with_header(typ="JWT"),
        "typ of a logout token": with_header(typ="logout+jwt"),
        "no typ": with_header(typ=None),
        "expired": signed(claims(iat=now - 400, nbf=now - 400, exp=now - 60)),
        "no expiry": signed(claims(exp=None)),
        "expiry in words": signed(claims(exp="tomorrow")),
        "expiry that is infinite": signed(claims(exp=float("inf"))),
        "not valid yet": signed(claims(nbf=now + 120)),
        "issued in the future": signed(claims(iat=now + 120, exp=now + 300)),
        "lives eleven minutes": signed(claims(exp=now + 660)),
        "ends before it begins": signed(claims(iat=now, exp=now - 5)),
        "another audience": signed(claims(aud="billing")),
        "ours among other audiences": signed(claims(aud=["billing", "evenkeel"])),
        "no audience": signed(claims(aud=None)),
        "another issuer": signed(claims(iss="https://sign-in.attacker.example")),
        "issuer with a slash too many": signed(claims(iss=f"{ISSUER}/")),
        "issuer that is a list": forged(
            {"alg": "RS256", "typ": "at+jwt", "kid": "people-1"}, claims(iss=[ISSUER])
        ),
        "no issuer": signed(claims(iss=None)),
        "no jti": signed(claims(jti=None)),
        "an empty jti": signed(claims(jti="")),
        "no iat": signed(claims(iat=None)),
        "no nbf": signed(claims(nbf=None)),
        "no subject": signed(claims(sub=None)),
        "a subject that is no person": signed(claims(sub="admin")),
        "people issuer mints a service": signed(claims(role="service", sub="intake")),
        "a role nobody has": signed(claims(role="administrator")),
        "no role": signed(claims(role=None)),
        "two roles": signed(claims(role=["clinician", "sre"])),
        "clinics that are no list": signed(claims(clinics="*")),
        "a clinic that is no id": signed(claims(clinics=["*"])),
        "people issuer in the name of intake": signed(of_intake()),
        "service key in the name of the people issuer": by_service(claims()),
        "service in the name of another": by_service(of_intake(sub="crisis")),
        "service claims to be a person": by_service(of_intake(role="crisis_lead")),
        "service token of six minutes": by_service(of_intake(exp=now + 360)),
        "service that is no peer": ServiceKey.generate("billing").token(),
        "another key under the service's name": by_service(
            of_intake(), ServiceKey.generate("intake")
        ),
        "another key under the service's kid": by_service(
            of_intake(), ServiceKey.generate("intake"), kid=INTAKE_KEY.public_jwk()["kid"]
        ),
        "four parts": f"{good}.AAAA",
        "five parts, encrypted": ".".join(
            [part({"alg": "RSA-OAEP", "enc": "A256GCM"})] + ["AAAA"] * 4
        ),
        "payload that is no object": forged({"alg": "RS256", "kid": "people-1"}, [1]),
        "payload nested without end": forged({"alg": "RS256"}, b"[" * 5000),
        "header that is no JSON": f"{part(b'{')}.{payload}.{signature}",
    }


@pytest.fixture(scope="module")
def minted():
    return attacks()


@pytest.mark.parametrize("attack", attacks())
def test_a_token_that_nobody_vouches_for_is_refused(minted, attack):
    with pytest.raises(Problem) as refused:
        callers().verify(f"Bearer {minted[attack]}")
    assert (refused.value.status, refused.value.code) == (401, "invalid_token")
    assert 'error="invalid_token"' in refused.value.headers["WWW-Authenticate"]


@pytest.mark.parametrize("shape", ["Bearer", "Basic QTpC", "Bearer {0} {0}", "Bearer {0}\n", "{0}"])
def test_an_authorization_of_another_shape_is_refused(shape):
    with pytest.raises(Problem) as refused:
        callers().verify(shape.format(signed(claims())))
    assert refused.value.status == 401


def test_a_person_is_who_their_token_says():
    both = signed(claims(clinics=[str(NORTH), str(SOUTH)]))
    caller = callers().verify(f"Bearer {both}")
    assert caller == Caller(
        UUID(int=7), "clinician", frozenset({NORTH, SOUTH}), UUID(int=7), ISSUER
    )
    assert caller.by == f"clinician:{UUID(int=7)}"


def test_a_service_is_known_by_its_own_key():
    caller = callers().verify(f"bearer {INTAKE_KEY.token()}")
    assert caller == Caller("intake", "service", issuer="evenkeel:intake")
    with pytest.raises(Problem):
        callers().verify(f"Bearer {INTAKE_KEY.token(audience='billing')}")


def test_a_short_rsa_key_is_refused():
    jwk = json.loads(RSAAlgorithm.to_jwk(SHORT_KEY.public_key()))
    weak = Callers([Issuer(ISSUER, StaticKeys({"keys": [{**jwk, "kid": "weak"}]}))])
    token = jwt.encode(claims(), SHORT_KEY, "RS256", {"kid": "weak", "typ": "at+jwt"})
    with pytest.raises(Problem):
        weak.verify(f"Bearer {token}")


@pytest.mark.parametrize("algorithm", ["HS256", "none", "ES256"])
def test_an_issuer_of_another_algorithm_is_not_taken_on(algorithm):
    with pytest.raises(ValueError, match="no tokens signed with"):
        Issuer(ISSUER, StaticKeys(people_jwks()), algorithm=algorithm)


def test_a_participant_must_be_the_person_and_staff_need_not():
    me, other = uuid4(), uuid4()
    participant = Caller(me, "participant", person_id=me)
    participant.must_be(me)
    with pytest.raises(NotFound):
        participant.must_be(other)
    Caller(other, "clinician", person_id=other).must_be(me)
