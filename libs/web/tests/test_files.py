import hashlib
import re
from pathlib import Path

import pytest

from web.files import FOLDER, address_of, files

NOTICE = Path(__file__).parents[1] / "THIRD_PARTY.md"
LISTED = re.compile(r"`web/static/(?P<name>[\w.-]+)`.*`(?P<digest>[0-9a-f]{64})`")
OURS = (
    "page.js", "live.js", "live-worker.js", "sound.js", "plan.js", "plan-worker.js", "style.css",
    "board.css", "messages.css", "rota.css", "mark.svg",
)  # fmt: skip


def test_every_file_of_others_is_the_one_that_was_noted():
    noted = dict(LISTED.findall(NOTICE.read_text()))
    assert noted
    for name, digest in noted.items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest
    assert set(files()) == {*OURS, *noted}


def test_only_the_plans_worker_may_answer_for_paths_other_than_those_beside_it(house):
    allowed = {
        name: house.client.get(f"/static/{name}").headers.get("service-worker-allowed")
        for name in files()
    }
    assert {name: path for name, path in allowed.items() if path} == {
        "plan-worker.js": "/crisis/plan"
    }


def test_a_file_under_the_hash_of_its_content_is_kept_for_good(house):
    answer = house.client.get(address_of("style.css"))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("path", ["/static/live-worker.js", "/static/live-worker.js?v=0123"])
def test_a_file_without_its_hash_is_asked_for_again(house, path):
    answer = house.client.get(path)
    assert answer.headers["cache-control"] == "no-cache"
    kept = {"If-None-Match": answer.headers["etag"]}
    assert house.client.get(path, headers=kept).status_code == 304


def test_a_worker_may_ask_this_origin_and_nothing_else(house):
    policy = house.client.get("/static/live-worker.js").headers["content-security-policy"]
    assert policy == "default-src 'none'; connect-src 'self'"


@pytest.mark.parametrize(
    "path", ["/static/", "/static/none.js", "/static/../server.py", "/static/%2e%2e/server.py"]
)
def test_there_are_no_other_files(house, path):
    assert house.client.get(path).status_code == 404


def test_the_start_page_and_the_numbers_need_no_service(house):
    house.front._apps.clear()
    assert "Who are you?" in house.client.get("/").text
    shown = house.client.get("/help")
    assert 'href="tel:988"' in shown.text
    assert "script-src 'self'" in shown.headers["content-security-policy"]
    assert house.client.post("/help").status_code == 405


@pytest.mark.parametrize("path", ["/crisis/help", "/crisis/help/a-link"])
def test_where_the_help_screen_is_not_there_are_the_numbers_and_nothing_is_claimed(house, path):
    """Planted fault: nobody serves this path."""
    shown = house.client.get(path)
    assert shown.status_code == 200
    pressed = house.client.post(path)
    assert pressed.status_code == 503
    for answer in (shown, pressed):
        assert 'href="tel:988"' in answer.text
        assert "nobody at your clinic is told" in answer.text
    assert house.client.get("/crisis/helpless").status_code == 404
