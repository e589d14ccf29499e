"""Being told by mail and webhooks, with real servers on the other side."""

from __future__ import annotations

import ipaddress
import json
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from standardwebhooks import Webhook

from support.people import PASSWORD
from support.receivers import answer_without_end, mail_server, receiver
from support.server import Server, serving, until

TASKS = Path(__file__).parent.parent / "support" / "tasks"
INSIDE = {"FRONTDESK_WEBHOOK_NETWORKS": "127.0.0.0/8"}


def send_file(server: Server, content: bytes = b"x\n1\n", **form: str) -> str:
    answer = server.http.post(
        "/api/tasks/pair/batch", files={"file": ("March.csv", content)}, data={"format": "csv", **form}
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def add_webhook(server: Server, url: str, **wanted: Any) -> dict[str, Any]:
    answer = server.http.post("/api/webhooks", json={"url": url, **wanted})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def log_of(server: Server, webhook: dict[str, Any]) -> list[dict[str, Any]]:
    return list(server.http.get(f"/api/webhooks/{webhook['id']}/deliveries").json()["items"])


def test_a_webhook_is_told_with_a_signature_that_holds(tmp_path: Path) -> None:
    with receiver() as there, serving(tmp_path / "data", TASKS / "pair.py", **INSIDE) as server:
        webhook = add_webhook(server, f"{there.url}/told?by=frontdesk")
        job = send_file(server)
        until(lambda: len(there.got) == 1, 10, "the message")
        headers, body = there.got[0]
        told = Webhook(webhook["secret"]).verify(body, headers)
        assert told["type"] == "job.succeeded"
        assert told["data"] == {
            "id": job, "kind": "batch", "task": "pair", "title": "March.csv", "state": "succeeded", "error": None,
        }  # fmt: skip
        until(lambda: log_of(server, webhook)[0]["state"] == "sent", 10, "the log")
        (entry,) = log_of(server, webhook)
        assert (entry["id"], entry["state"], entry["status"]) == (headers["webhook-id"], "sent", 204)

        replayed = server.http.post(f"/api/webhooks/{webhook['id']}/deliveries/{entry['id']}/replay").json()[
            "id"
        ]
        until(lambda: len(there.got) == 2, 10, "the message once more")
        server.http.post(f"/api/webhooks/{webhook['id']}/test")
        until(lambda: len(there.got) == 3, 10, "the test")
        assert there.got[1] == (there.got[1][0], body)
        assert there.ids[1] == replayed
        assert json.loads(there.got[2][1])["type"] == "test"
        assert webhook["secret"] not in server.log_text()


def test_one_that_fails_is_tried_again_under_the_same_id(tmp_path: Path) -> None:
    with receiver() as there, serving(tmp_path / "data", TASKS / "pair.py", **INSIDE) as server:
        there.answers = [500, 200]
        webhook = add_webhook(server, there.url)
        server.http.post(f"/api/webhooks/{webhook['id']}/test")
        until(lambda: len(there.got) == 2, 20, "the second try")
        assert there.ids[0] == there.ids[1]
        until(lambda: log_of(server, webhook)[0]["state"] == "sent", 5, "the log")
        assert log_of(server, webhook)[0]["attempts"] == 2


def test_no_redirect_is_followed_and_no_answer_read_to_its_end(tmp_path: Path) -> None:
    with (
        receiver() as there,
        receiver() as endless,
        serving(tmp_path / "data", TASKS / "pair.py", **INSIDE) as server,
    ):
        there.answers = [307]
        endless.how = answer_without_end
        redirecting, talking = (add_webhook(server, url) for url in (there.url, endless.url))
        for webhook in (redirecting, talking):
            server.http.post(f"/api/webhooks/{webhook['id']}/test")
        until(lambda: log_of(server, redirecting)[0]["attempts"] == 1, 10, "the redirect")
        until(lambda: log_of(server, talking)[0]["state"] == "sent", 10, "the endless answer")
        until(lambda: log_of(server, redirecting)[0]["status"] == 307, 10, "the log")
        assert len(there.got) == 1


def test_nothing_goes_inside_unless_it_is_allowed(tmp_path: Path) -> None:
    with receiver() as there, Server(tmp_path / "data", [TASKS / "pair.py"], **INSIDE) as server:
        add_webhook(server, there.url)
        refused = server.http.post("/api/webhooks", json={"url": "https://10.0.0.1/"})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "/url"
        server.stop()
        # What was allowed when it was saved is looked at again when it is sent.
        server.environment = {}
        server.start()
        webhook = server.http.get("/api/webhooks").json()["items"][0]
        server.http.post(f"/api/webhooks/{webhook['id']}/test")
        until(lambda: log_of(server, webhook)[0]["error"] is not None, 10, "the refusal")
        assert "private network" in log_of(server, webhook)[0]["error"]
        assert there.got == []


def test_what_was_under_way_when_everything_died_arrives(tmp_path: Path) -> None:
    with receiver() as there, Server(tmp_path / "data", [TASKS / "pair.py"], **INSIDE) as server:
        webhook = add_webhook(server, there.url)
        there.answers = [500, 200]
        server.http.post(f"/api/webhooks/{webhook['id']}/test")
        until(lambda: len(there.got) == 1, 10, "the first try")
        until(lambda: log_of(server, webhook)[0]["status"] == 500, 5, "the log")
        server.kill_everything()
        server.start()
        until(lambda: len(there.got) == 2, 20, "the second try")
        assert there.ids[0] == there.ids[1]


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate of this machine's own, and a context that shows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    pem = folder / "cert.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret = folder / "key.pem"
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    return pem, context


def test_mail_is_handed_in_over_tls_and_tried_again(tmp_path: Path) -> None:
    pem, tls = certificate(tmp_path)
    with mail_server(tls) as box:
        environment = {
            "FRONTDESK_ACCESS": "accounts",
            "FRONTDESK_SMTP_HOST": "127.0.0.1",
            "FRONTDESK_SMTP_PORT": str(box.port),
            "FRONTDESK_MAIL_FROM": "desk@example.org",
            "FRONTDESK_URL": "https://desk.example.org/",
            "SSL_CERT_FILE": str(pem),
        }
        with serving(tmp_path / "data", TASKS / "pair.py", **environment) as server:
            server.run(
                "users", "add", "ann@example.org", "--role", "member", "--password-stdin", input=PASSWORD
            )
            token = server.run("tokens", "add", "ann@example.org", "--name", "t").strip()
            server.http.headers["Authorization"] = f"Bearer {token}"
            wishes = {"mail": ["batch"], "outcomes": ["succeeded", "failed"]}
            assert server.http.put("/api/notices/wishes", json=wishes).status_code == 200
            box.refuses = 1
            job = send_file(server, b"x\n1\nno\n", strict="true")
            until(lambda: len(box.letters) == 1, 20, "the letter")
            (letter,) = box.letters
            assert (letter["X-To"], letter["From"]) == ("ann@example.org", "desk@example.org")
            assert letter["X-TLS"] == "True"
            assert letter["Subject"] == "March.csv has failed"
            text = letter.get_content()
            assert f"https://desk.example.org/jobs/{job}" in text
            assert "Must be a number" in text


def test_mail_without_tls_and_to_nobody(tmp_path: Path) -> None:
    """On a server without sign-in there is no address to write to, and nothing is tried for days."""
    with mail_server() as box:
        environment = {
            "FRONTDESK_SMTP_HOST": "127.0.0.1",
            "FRONTDESK_SMTP_PORT": str(box.port),
            "FRONTDESK_SMTP_SECURITY": "none",
            "FRONTDESK_MAIL_FROM": "desk@example.org",
        }
        with serving(tmp_path / "data", TASKS / "pair.py", **environment) as server:
            server.http.put("/api/notices/wishes", json={"mail": ["batch"]})
            server.finished(send_file(server))
            until(lambda: "no such user" in server.log_text(), 10, "the log")
            assert box.letters == []
