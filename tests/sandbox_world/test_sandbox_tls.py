"""The sandbox over HTTPS: trusted by those who are told to, by nobody else."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tradepost.clock import SystemClock
from tradepost.sandbox.gmail.vendor import GmailVendor
from tradepost.sandbox.kernel import World
from tradepost.sandbox.serve import Served, serve
from tradepost.sandbox.tls import VENDORS, make_tls

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def test_a_client_that_trusts_the_authority_is_served_and_another_is_not(tmp_path):
    async def main() -> None:
        clock = SystemClock()
        world = World(clock=clock, random=Random(1))
        tls = make_tls(tmp_path, clock.now())
        async with serve(world, [GmailVendor(world)], tls=tls) as served:
            await trusted(served, str(tls.ca))
            async with httpx.AsyncClient() as stranger:
                with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                    await stranger.get(served.control + "/")

    async def trusted(served: Served, ca: str) -> None:
        assert served.as_dict()["ca_file"] == ca
        async with httpx.AsyncClient(verify=ssl.create_default_context(cafile=ca)) as client:
            assert served.urls["gmail"].startswith("https://127.0.0.1:")
            assert (await client.get(served.control + "/")).status_code == 200
            # Under a vendor's public name, as with an entry in /etc/hosts.
            named = {
                "headers": {"host": "gmail.googleapis.com"},
                "extensions": {"sni_hostname": "gmail.googleapis.com"},
            }
            answer = await client.get(f"{served.urls['gmail']}/gmail/v1/users/me/profile", **named)
            assert answer.json()["error"]["status"] == "UNAUTHENTICATED"

    asyncio.run(main())


def test_the_authority_can_sign_nothing_more(tmp_path):
    tls = make_tls(tmp_path, NOW, ["other.example"])
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(
        f.name for f in (tls.ca, tls.certificate, tls.key)
    )
    ca = x509.load_pem_x509_certificate(tls.ca.read_bytes())
    server = x509.load_pem_x509_certificate(tls.certificate.read_bytes())
    key = load_pem_private_key(tls.key.read_bytes(), None)
    assert key.public_key() == server.public_key() != ca.public_key()
    assert server.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    server.verify_directly_issued_by(ca)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"localhost", "other.example", *VENDORS} <= set(names.get_values_for_type(x509.DNSName))
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    assert tls.key.stat().st_mode & 0o777 == 0o600


def test_the_product_works_against_it_with_the_configuration_that_the_sandbox_writes(tmp_path):
    environ = {"PATH": os.defpath, "TMPDIR": str(tmp_path)}
    program = [sys.executable, "-m", "tradepost"]
    pipe = subprocess.PIPE
    process = subprocess.Popen([*program, "sandbox", "--tls"], stdout=pipe, stderr=pipe, text=True, env=environ)
    try:
        found = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")
        assert Path(found["ca_file"]).read_text().startswith("-----BEGIN CERTIFICATE")
        check = [*program, "-c", found["config"], "check", "--json"]
        done = subprocess.run(check, capture_output=True, text=True, timeout=120, check=False, env=environ)
        assert (done.returncode, json.loads(done.stdout)["ready"]) == (0, True), done.stderr
        assert found["ca_file"] in process.stderr.readline()
    finally:
        process.kill()
        process.communicate()
