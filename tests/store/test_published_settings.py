import os

from odoo_telemetry.metrics.settings import PublishedSettings, Settings


def test_a_change_within_one_tick_of_the_clock_is_seen(tmp_path):
    published = PublishedSettings(tmp_path)
    published.publish("db", Settings(presence_seconds=1))
    stamp = os.stat(tmp_path).st_mtime_ns
    assert published.databases()["db"].presence_seconds == 1
    published.publish("db", Settings(presence_seconds=2))
    os.utime(tmp_path, ns=(stamp, stamp))
    assert published.databases()["db"].presence_seconds == 2


def test_what_did_not_change_is_not_read_again(tmp_path):
    published = PublishedSettings(tmp_path)
    published.publish("db", Settings())
    os.utime(tmp_path, (1, 1))
    assert published.databases()["db"] is published.databases()["db"]
