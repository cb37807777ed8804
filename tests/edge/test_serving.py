"""Under load and in trouble: what is refused, and that what was taken is answered."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import ssl
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from likewise.bundle import Manifest
from likewise_edge.serving import Loaded, Slot
from tests.edge.devices import counting

if TYPE_CHECKING:
    from pathlib import Path

    from tests.edge.devices import Device, Running

MANIFEST = Manifest("m", 1, "", "", (), (), ())
SLOW = 25_000
"""Turns of a loop that take some tenths of a second."""


def slow(device: Device) -> Path:
    return device.bundle(model=counting(SLOW))


def several(agent: Running, count: int, **more: Any) -> list[tuple[int, Any, dict[str, str]]]:
    """The answers to so many requests at once."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: agent.infer(**more), range(count)))


def test_a_full_queue(device: Device) -> None:
    device.configure("[server]\nqueue = 2\n")
    device.install(slow(device))
    with device.serving() as agent:
        answers = several(agent, 12)
        statuses = [status for status, _, _ in answers]
        assert set(statuses) == {200, 429}
        assert 3 <= statuses.count(200) < 12
        for status, content, headers in answers:
            if status == 429:
                assert int(headers["retry-after"]) >= 1
                assert (
                    (content["error"])
                    == "m: too many requests wait for the model; given: 3; allowed: 3"
                )
        assert agent.infer()[0] == 200
        page = agent.request("/metrics")[1].decode()
        assert 'likewise_waiting{model="m"} 0.0' in page


def test_a_deadline(device: Device) -> None:
    device.install(slow(device))
    with device.serving() as agent:
        status, content, headers = agent.infer(parameters={"timeout": 1000})
        assert status == 504
        assert content["error"].startswith("m: the deadline passed; given: ")
        assert int(headers["retry-after"]) >= 1
        # What waits for longer than its deadline is not run any more.
        answers = several(agent, 6, parameters={"timeout": 1000})
        assert {status for status, _, _ in answers} == {504}
        agent.wait_for(lambda: 'likewise_waiting{model="m"} 0.0' in str(agent.request("/metrics")))
        assert agent.infer()[0] == 200


def test_slow_clients(device: Device) -> None:
    device.configure("[server]\nbody_seconds = 0.5\n")
    device.install(device.bundle())
    with device.serving() as agent:
        head = b"POST /v2/models/m/infer HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n"
        with (
            socket.create_connection(("localhost", agent.port)) as silent,
            socket.create_connection(("localhost", agent.port)) as mumbling,
            socket.create_connection(("localhost", agent.port)) as lazy,
        ):
            for client in (silent, mumbling, lazy):
                client.settimeout(30)
            mumbling.sendall(head[:20])
            lazy.sendall(head + b"{")
            assert agent.answer() == 2
            assert lazy.recv(1000).startswith(b"HTTP/1.1 408 Request Timeout\r\n")
            assert mumbling.recv(1000) == b""
            assert silent.recv(1000) == b""
        assert agent.answer() == 2


def test_who_does_not_read_the_answer(device: Device) -> None:
    """The connection is cut, and its memory is free again."""
    device.configure("[server]\nbody_seconds = 0.5\nmax_connections = 2\n")
    device.install(device.bundle(shape=("n", 1000)))
    rows = 3000
    body = b'{"inputs": [{"name": "x", "datatype": "FP32", "shape": [%d, 1000], ' % rows
    body += b'"parameters": {"binary_data_size": %d}}], ' % (4000 * rows)
    body += b'"parameters": {"binary_data_output": true}}'
    head = b"POST /v2/models/m/infer HTTP/1.1\r\nhost: a\r\n"
    head += b"content-length: %d\r\n" % (len(body) + 4000 * rows)
    head += b"inference-header-content-length: %d\r\n\r\n" % len(body)
    with device.serving() as agent, socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("localhost", agent.port))
        deaf.sendall(head + body + bytes(4000 * rows))
        agent.wait_for(lambda: 'status="200"} 1.0' in str(agent.request("/metrics")))
        agent.wait_for(lambda: open_connections(agent) == 0)


def open_connections(agent: Running) -> int:
    """The agent's sockets that are connected, but for none of our own: there are none now."""
    wanted = f":{agent.port:04X}"
    with open("/proc/net/tcp") as table:  # noqa: PTH123 — no file to speak of
        rows = [line.split() for line in table]
    return sum(row[1].endswith(wanted) and row[3] == "01" for row in rows)


def test_too_many_connections(device: Device) -> None:
    device.configure("[server]\nmax_connections = 3\n")
    device.install(device.bundle())
    with device.serving() as agent:
        time.sleep(0.2)
        clients = [socket.create_connection(("localhost", agent.port)) for _ in range(3)]
        agent.wait_for(lambda: open_connections(agent) == 3)
        status, content, headers = agent.request("/v2/health/live")
        assert (status, headers["retry-after"]) == (503, "1")
        assert content == {"error": "too many connections; allowed: 3"}
        for client in clients:
            client.close()
        agent.wait_for(lambda: agent.request("/v2/health/live")[0] == 200)


def test_the_token(device: Device) -> None:
    (device.folder / "token").write_text("0123456789abcdef\n")
    device.configure('[server]\ntoken_file = "token"\n')
    device.install(device.bundle())
    with device.serving() as agent:
        path = "/v2/models/m"
        assert agent.request("/v2/health/live")[0] == 200
        for header, said in (({}, "none"), ({"authorization": "Bearer x"}, "another")):
            status, content, headers = agent.request(path, headers=header)
            assert (status, headers["www-authenticate"]) == (401, "Bearer")
            assert content == {"error": f"a bearer token is needed; given: {said}"}
        header = {"authorization": "Bearer 0123456789abcdef"}
        assert agent.request(path, headers=header)[0] == 200
        assert agent.request("/metrics")[0] == 401


def test_a_token_too_short(device: Device) -> None:
    (device.folder / "token").write_text("abc\n")
    device.configure('[server]\ntoken_file = "token"\n')
    done = device.call("serve")
    assert done.returncode == 2
    assert "is too short; given: 3 characters; allowed: 16 or more" in done.stderr


def certificate(folder: Path) -> ssl.SSLContext:
    """Write a key and a certificate for localhost; returns a context that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "tls.pem").write_bytes(made.public_bytes(pem))
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "tls.key").write_bytes(secret)
    return ssl.create_default_context(cafile=folder / "tls.pem")


def test_tls(device: Device) -> None:
    context = certificate(device.folder)
    device.configure('[server]\ntls_certificate = "tls.pem"\ntls_key = "tls.key"\n')
    device.install(device.bundle())
    with device.serving(ready=False) as agent:
        path = "/v2/health/ready"
        agent.wait_for(lambda: agent.request(path, context=context)[0] == 200)
        assert agent.request("/v2/models/m", context=context)[1]["name"] == "m"


def test_an_end_in_order(device: Device) -> None:
    """What is under way when the agent is told to end is answered; it has ended then."""
    device.install(slow(device))
    with device.serving() as agent:
        answers: list[Any] = []
        asking = threading.Thread(target=lambda: answers.append(agent.infer()))
        asking.start()
        agent.wait_for(lambda: 'likewise_waiting{model="m"} 1.0' in str(agent.request("/metrics")))
        assert agent.stop() == 0
        asking.join()
        assert answers[0][0] == 200
        assert agent.events()[-1]["event"].startswith("Finished")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("localhost", agent.port))


def test_one_agent_for_one_folder(device: Device) -> None:
    device.install(device.bundle())
    with device.serving():
        done = device.call("serve")
    assert done.returncode == 1
    assert "another agent serves from this folder; given: " in done.stderr


def test_a_port_that_is_taken(device: Device) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        device.config.write_text(f'state = "s"\nkeys = "keys"\n[server]\nport = {port}\n')
        done = device.call("serve")
    assert done.returncode == 1
    assert f"cannot listen: Address already in use; given: 127.0.0.1:{port}" in done.stderr


def test_nothing_installed(device: Device) -> None:
    with device.serving(ready=False) as agent:
        assert agent.request("/v2/health/live")[0] == 200
        assert agent.request("/v2/health/ready")[0] == 503
        assert agent.infer()[:2] == (
            404,
            {"error": "there is no model 'm'; allowed: none is installed"},
        )


def test_what_is_counted_is_counted_by_one_thread() -> None:
    """Refusals look through the last latencies: no run may add to them at the same time."""
    threads = []

    class Latencies(deque[tuple[float, float]]):
        def append(self, entry: tuple[float, float]) -> None:
            threads.append(threading.current_thread())
            super().append(entry)

    runner: Any = SimpleNamespace(run=lambda feeds: feeds)
    slot = Slot("m", 8, Loaded("id", "numpy", MANIFEST, runner), latencies=Latencies())

    async def several() -> None:
        await asyncio.gather(*(slot.run({"x": n}, 10.0) for n in range(5)))
        await asyncio.sleep(0)

    asyncio.run(several())
    slot.close()
    assert threads == [threading.main_thread()] * 5
    assert slot.waiting == 0
