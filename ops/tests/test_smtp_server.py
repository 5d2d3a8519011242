import json
import os
import smtplib
import subprocess
import sys
import time
from contextlib import suppress
from email.message import EmailMessage

import pytest

from evenkeel_ops.smtp_server import smtp_server


def send(port: int, message_id: str = "<1@evenkeel>", *, timeout: float = 10) -> None:
    mail = EmailMessage()
    mail["Message-ID"], mail["Subject"] = message_id, "Grüße"
    mail["From"], mail["To"] = "from@post.example", "to@post.example"
    mail.set_content("two\nlines — and a dash")
    with smtplib.SMTP("127.0.0.1", port, timeout=timeout) as server:
        server.send_message(mail)


def test_what_was_accepted_is_a_line_of_its_own(tmp_path):
    with smtp_server(tmp_path) as server:
        send(server.port)
        send(server.port, "<2@evenkeel>")
        first, second = server.accepted()
    assert (first["message_id"], second["message_id"]) == ("1@evenkeel", "2@evenkeel")
    assert (first["to"], first["sender"], first["subject"]) == (
        "to@post.example", "from@post.example", "Grüße",
    )  # fmt: skip
    assert first["text"].split("\r\n")[:2] == ["two", "lines — and a dash"]
    assert first["accepted_at"] <= second["accepted_at"]


def test_a_server_on_the_same_port_and_directory_goes_on_where_the_last_one_ended(tmp_path):
    with smtp_server(tmp_path) as server:
        send(server.port)
    with smtp_server(tmp_path, port=server.port) as again:
        assert again.port == server.port
        send(again.port)
        assert len(again.accepted()) == 2


@pytest.mark.parametrize("code", [451, 550])
def test_what_is_refused_is_not_kept(tmp_path, code):
    with smtp_server(tmp_path, refuse=code) as server:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            send(server.port)
        assert server.accepted() == []
    assert refused.value.smtp_code == code


@pytest.mark.parametrize(("hang", "kept"), [("message", 0), ("answer", 1)])
def test_a_server_that_hangs_never_answers(tmp_path, hang, kept):
    with smtp_server(tmp_path, hang=hang) as server:
        with pytest.raises(smtplib.SMTPServerDisconnected):
            send(server.port, timeout=0.5)
        assert len(server.accepted()) == kept


def test_it_dies_with_its_parent(tmp_path):
    """Planted fault: without PR_SET_PDEATHSIG it goes on listening."""
    parent = (
        "import sys, time; from pathlib import Path\n"
        "from evenkeel_ops.smtp_server import smtp_server\n"
        f"with smtp_server(Path({str(tmp_path)!r})) as server:\n"
        "    print(server.process.pid, flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        assert _is_running(child)
        process.kill()
    deadline = time.monotonic() + 30
    while _is_running(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _is_running(child)


def test_the_program_says_its_port_in_one_line_of_json(tmp_path):
    command = [sys.executable, "-m", "evenkeel_ops.smtp_server", "--directory", str(tmp_path)]
    with subprocess.Popen([*command, "--port", "0"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        send(said["port"])
        process.kill()
    assert list(said) == ["port"]


def _is_running(pid: int) -> bool:
    with suppress(FileNotFoundError), open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"
    return False


def test_a_program_whose_parent_is_gone_already_does_not_start(tmp_path):
    command = [sys.executable, "-m", "evenkeel_ops.smtp_server", "--directory", str(tmp_path)]
    done = subprocess.run([*command, "--parent", str(os.getpid() + 1)], capture_output=True)
    assert done.returncode != 0
    assert done.stdout == b""
