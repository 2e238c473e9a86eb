"""Prometheus and Alertmanager, asked over HTTP: short answers, in little time, cached for some seconds.

Only the addresses that an administrator set are asked, and only by this server. See
https://prometheus.io/docs/prometheus/latest/querying/api/#range-queries for the one, and Alertmanager's
``api/v2/openapi.yaml`` for the other.
"""

import json
import math
import time
from urllib.parse import urlsplit

import requests

SECONDS = 3.0
"""Time in which an answer must be complete."""
CACHE_SECONDS = 15.0
"""As often as Prometheus' rules are evaluated: to ask more often shows nothing new."""
LARGEST_BYTES = 2_000_000
POINTS = 60
"""How many points of a history a small chart can show."""

_cached = {}
"""A dictionary, because cachetools would be one more thing to install beside Odoo for ten lines."""


class Unavailable(Exception):
    """What was asked is not to be had.

    reason: 'silent' (no answer in time, or none at all), 'refused' (an answer that is an error) or 'garbled' (an answer
    that makes no sense).
    address: host and port that were asked, without the user and password that an address may hold.
    """

    def __init__(self, reason, url, detail=""):
        self.reason, self.address, self.detail = reason, urlsplit(url).netloc.rpartition("@")[2], detail
        super().__init__(f"{self.address}: {reason} {detail}".strip())


def link(url):
    """Return an address as a browser may be given it: without the user and password that this server asks with."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")


def step(start, end):
    """Return how many seconds there are between two points of a history."""
    return max(15, math.ceil((end - start) / POINTS))


def history(prometheus, expression, start, end):
    """Return what ``expression`` was, as Prometheus remembers it.

    :param str prometheus: address
    :param str expression: PromQL
    :param float start: seconds since 1970, as is ``end``, which is among the points
    :return: list of (labels, points), where points are (seconds since 1970, value); what is not a number is None
    :raises Unavailable: when Prometheus gives no sensible answer
    """
    seconds = step(start, end)
    parameters = {
        "query": expression,
        "start": f"{end - (end - start) // seconds * seconds:.3f}",
        "end": f"{end:.3f}",
        "step": seconds,
        "timeout": f"{SECONDS * 1000:.0f}ms",
    }
    key = expression, seconds, (end - start) // seconds
    return _ask(prometheus, "/api/v1/query_range", parameters, key, _series)


def value(prometheus, expression, moment):
    """Return what ``expression``, which has one series, was at a moment (seconds since 1970), None if it had none.

    Other parameters and errors are as for :func:`history`.
    """
    parameters = {"query": expression, "time": moment, "timeout": f"{SECONDS * 1000:.0f}ms"}
    [number] = _ask(prometheus, "/api/v1/query", parameters, (expression, moment), _value)
    return number


def firing(alertmanager):
    """Return the alerts that are notified: not silenced, and not inhibited.

    :param str alertmanager: address
    :return: list of dicts with labels, annotations (dicts), startsAt (ISO 8601) and fingerprint
    :raises Unavailable: when Alertmanager gives no sensible answer
    """
    parameters = {"active": "true", "silenced": "false", "inhibited": "false"}
    return _ask(alertmanager, "/api/v2/alerts", parameters, (), _alerts)


def _series(answer):
    return [
        (series["metric"], [(float(moment), _number(value)) for moment, value in series["values"]])
        for series in answer["data"]["result"]
    ]


def _value(answer):
    result = answer["data"]["result"]
    return [_number(result[0]["value"][1]) if result else None]


def _alerts(answer):
    if not isinstance(answer, list):
        raise TypeError(f"a list of alerts was expected, not {type(answer).__name__}")
    return [
        {
            "labels": dict(alert["labels"]),
            "annotations": dict(alert["annotations"]),
            "startsAt": str(alert["startsAt"]),
            "fingerprint": str(alert["fingerprint"]),
        }
        for alert in answer
    ]


def _number(text):
    number = float(text)
    return number if math.isfinite(number) else None


def _ask(base, path, parameters, key, read):
    """Return what was answered lately, or ask. A server that was silent lately is not waited for again."""
    now = time.monotonic()
    for known in [known for known, (until, _result) in list(_cached.items()) if until < now]:
        _cached.pop(known, None)
    for known in ((base,), (base, path, *key)):
        _until, result = _cached.get(known, (0, None))
        if isinstance(result, Unavailable):
            raise result
        if result is not None:
            return result
    known = (base, path, *key)
    try:
        result = read(json.loads(_fetch(base.rstrip("/") + path, parameters)))
    except Unavailable as error:
        result = error
        known = (base,) if error.reason == "silent" else known
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        result = Unavailable("garbled", base, str(error))
    _cached[known] = (time.monotonic() + CACHE_SECONDS, result)
    if isinstance(result, Unavailable):
        raise result
    return result


def _fetch(url, parameters):
    """Return the body (bytes) of the answer to a GET of ``url``; redirects are not followed."""
    deadline = time.monotonic() + SECONDS
    body = b""
    try:
        with requests.get(url, parameters, timeout=SECONDS, stream=True, allow_redirects=False) as response:
            for chunk in response.iter_content(65_536):
                body += chunk
                if len(body) > LARGEST_BYTES:
                    raise Unavailable("garbled", url, f"more than {LARGEST_BYTES} bytes")
                if time.monotonic() > deadline:
                    raise Unavailable("silent", url)
            if response.status_code != 200:
                raise Unavailable("refused", url, f"HTTP {response.status_code}")
    except requests.RequestException as error:
        raise Unavailable("silent", url, type(error).__name__) from error
    return body


def forget():
    """Ask again at the next call."""
    _cached.clear()
