"""Checkpoints are C2SP signed notes: read back, refused when anything is changed, and accepted by OpenSSL."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.errors import PeerError
from antiphon_server.core.join_tokens import KeyUnavailable
from antiphon_server.trust import notes

SIGNER = notes.Signer.generate()
ROOT = hashlib.sha256(b"root").digest()
NOTE = SIGNER.sign("room_-1", 1042, ROOT)


def test_a_checkpoint_is_read_back() -> None:
    found = notes.verify(NOTE, SIGNER.public)
    assert found == notes.Checkpoint(SIGNER.origin("room_-1"), 1042, ROOT) == notes.read(NOTE)
    assert notes.public_key(SIGNER.verifier("room_-1")) == SIGNER.public


def test_the_form_is_that_of_c2sp() -> None:
    body, _, signature = NOTE.partition("\n\n")
    origin = SIGNER.origin("room_-1")
    assert body.split("\n") == [origin, "1042", base64.b64encode(ROOT).decode()]
    dash, name, encoded = signature.removesuffix("\n").split(" ")
    assert (dash, name) == ("\u2014", origin)
    identifier = hashlib.sha256(f"{origin}\n".encode() + b"\x01" + SIGNER.public).digest()[:4]
    assert base64.b64decode(encoded)[:4] == identifier
    assert not {" ", "+"} & set(origin)


@given(st.integers(0, 8 * len(NOTE.encode()) - 1))
def test_no_bit_can_be_changed(bit: int) -> None:
    data = bytearray(NOTE.encode())
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises((PeerError, UnicodeDecodeError)):
        notes.verify(data.decode(), SIGNER.public)


@given(st.text(max_size=300) | st.text("antiphon-/0123456789\n\u2014= ", max_size=300))
def test_what_is_no_checkpoint_is_refused(note: str) -> None:
    with pytest.raises(PeerError):
        notes.verify(note, SIGNER.public)


def test_another_key_is_not_accepted() -> None:
    with pytest.raises(PeerError, match="not signed by this key"):
        notes.verify(NOTE, notes.Signer.generate().public)
    for wrong in ("", "a+b+c", SIGNER.verifier("room")[:-2], SIGNER.verifier("room").replace("+", "-", 1)):
        with pytest.raises(PeerError, match="verifier key"):
            notes.public_key(wrong)


def test_a_signature_of_somebody_else_may_stand_beside_ours() -> None:
    """As a witness adds it."""
    other = base64.b64encode(bytes(68)).decode()
    assert notes.verify(f"{NOTE}\u2014 witness.example {other}\n", SIGNER.public).size == 1042


def test_the_key_is_kept_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    first = notes.Signer.load(tmp_path)
    assert (tmp_path / notes.FILE).stat().st_mode & 0o777 == 0o600
    assert notes.Signer.load(tmp_path).public == first.public
    (tmp_path / notes.FILE).write_bytes(b"short")
    with pytest.raises(KeyUnavailable, match=notes.FILE):
        notes.Signer.load(tmp_path)


def test_openssl_accepts_a_checkpoint(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    body, _, signature = NOTE.partition("\n\n")
    encoded = signature.removesuffix("\n").rpartition(" ")[2]
    key = Ed25519PublicKey.from_public_bytes(notes.public_key(SIGNER.verifier("room_-1")))
    (tmp_path / "key.pem").write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (tmp_path / "signature").write_bytes(base64.b64decode(encoded)[4:])
    command = [
        openssl, "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", tmp_path / "key.pem",
        "-in", tmp_path / "body", "-sigfile", tmp_path / "signature",
    ]  # fmt: skip
    for text, accepted in ((f"{body}\n", True), (f"{body}x\n", False)):
        (tmp_path / "body").write_text(text)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode == 0) is accepted, done.stderr
