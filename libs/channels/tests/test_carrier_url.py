"""How providers are named in settings, and what is refused."""

import pytest

from channels.carrier_url import email, in_the_clear, telephone


def test_providers_keep_their_order_and_hide_their_secrets():
    first, second = email("smtps://me:pass%40word@a.example smtp+starttls://b.example:2587")
    assert (first.name, second.name) == ("a.example", "b.example:2587")
    assert (first.user, first.secret) == ("me", "pass@word")
    assert "pass" not in repr((first, second))
    (one,) = telephone("twilio+https://AC1:token@api.example/?from=%2B12025550100")
    assert (one.origin, one.from_) == ("https://api.example", "+12025550100")
    assert "token" not in repr(one)
    assert "555" not in repr(one)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("", "names no provider"),
        ("http://a", "number 1 must be a URL of scheme smtp or smtp+starttls or smtps"),
        ("smtp://a:port", "number 1 is no URL"),
        ("smtp://", "number 1 has no host"),
        ("smtp://me@a", "number 1 has a user or a password, but not both"),
        ("smtps://a smtp://a", "names a provider twice"),
    ],
)
def test_what_is_no_mail_server_is_told(value, says):
    with pytest.raises(ValueError, match="^" + says.replace("+", r"\+")):
        email(value)


def test_all_mistakes_are_told_at_once_without_a_secret():
    with pytest.raises(ValueError, match="number 1") as wrong:
        telephone("twilio+https://AC1:s3cret@ http://x:s3cret@b twilio+http://c")
    said = str(wrong.value)
    for one in (
        "number 1 has no host",
        "number 1 has no number",
        "number 2 must",
        "number 3 has no account",
    ):
        assert one in said
    assert "s3cret" not in said


def test_production_can_tell_what_is_in_the_clear():
    named = email("smtp://a smtps://b smtp+starttls://c")
    assert len(in_the_clear("EVENKEEL_SMTP_URL", named)) == 1
    phones = telephone("twilio+http://u:p@a/?from=1 twilio+https://u:p@b/?from=1")
    assert in_the_clear("EVENKEEL_SMS_URL", phones) == [
        "EVENKEEL_SMS_URL speaks twilio+http:// with a, which production refuses: demand TLS"
    ]
