"""Only one place answers an event stream: what is written elsewhere arrives when it has ended."""

from pathlib import Path

from tests.architecture.sources import ROOT, modules, plant

ONLY = "libs/web/web/live.py"
SAYS = "event-stream"


def test_only_the_web_library_answers_an_event_stream():
    assert answering(ROOT) == [ONLY]


def test_another_one_is_noticed(tmp_path):
    plant(tmp_path, "services/crisis/crisis/planted.py", 'TYPE = "text/event-stream"\n')
    assert answering(tmp_path) == ["services/crisis/crisis/planted.py"]


def answering(root: Path) -> list[str]:
    return [str(p.relative_to(root)) for p in modules(root) if SAYS in p.read_text()]
