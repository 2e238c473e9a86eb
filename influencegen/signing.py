"""Signatures of the messages exchanged with n8n: HMAC-SHA256 over a timestamp and the raw body. Plain Python."""

import hashlib
import hmac
import time
from collections.abc import Mapping

TIMESTAMP_HEADER = "X-InfluenceGen-Timestamp"
SIGNATURE_HEADER = "X-InfluenceGen-Signature"
TOLERANCE = 300
MAX_DIGITS = 20


class BadSignature(Exception):
    """A message that can't be trusted; the text says why."""


def sign(secret: str, body: bytes, timestamp: float | None = None) -> dict[str, str]:
    """Headers that prove that the holder of ``secret`` sent ``body`` (bytes).

    :param timestamp: Unix seconds, now by default
    :raise ValueError: without a secret, since anyone could sign with an empty one
    """
    if not secret:
        raise ValueError("The webhook secret is not set.")
    moment = str(int(time.time() if timestamp is None else timestamp))
    return {TIMESTAMP_HEADER: moment, SIGNATURE_HEADER: _digest(secret, moment, body)}


def verify(secret: str, body: bytes, headers: Mapping[str, str], now: float | None = None) -> str:
    """Check the two headers over ``body`` (bytes) and return the signature.

    :param headers: a mapping that holds the two headers
    :param now: Unix seconds, the clock by default
    :raise BadSignature: when they are missing, wrong, or more than ``TOLERANCE`` seconds off
    """
    timestamp, signature = headers.get(TIMESTAMP_HEADER), headers.get(SIGNATURE_HEADER)
    if not secret:
        raise BadSignature("The webhook secret is not set.")
    if not timestamp or not signature:
        raise BadSignature("The signature or its timestamp is missing.")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= MAX_DIGITS):
        raise BadSignature("The timestamp is not a number of seconds.")
    if not hmac.compare_digest(_digest(secret, timestamp, body).encode(), signature.encode()):
        raise BadSignature("The signature does not match.")
    if abs((time.time() if now is None else now) - int(timestamp)) > TOLERANCE:
        raise BadSignature(f"The timestamp is more than {TOLERANCE} seconds off.")
    return signature


def _digest(secret: str, timestamp: str, body: bytes) -> str:
    message = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
