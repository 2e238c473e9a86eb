import errno
import os
import tempfile
from pathlib import Path
from unittest.mock import patch

from odoo.tests import BaseCase

from ..metrics.presence import BLOCK, PLACES, Presence

ROLES = "public", "portal", "user"


class TestPresence(BaseCase):
    def setUp(self):
        super().setUp()
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = Path(directory.name) / "presence"
        self.presence = Presence(self.path, ROLES)

    def test_a_user_counts_once_while_the_window_lasts(self):
        self.presence.touch(7, "user", 1000)
        self.presence.touch(7, "user", 1010)
        self.presence.touch(BLOCK + 7, "portal", 1000)
        self.assertEqual(self.presence.count(1000, 1010), {"public": 0, "portal": 1, "user": 1})
        self.assertEqual(self.presence.count(1005, 1010), {"public": 0, "portal": 0, "user": 1})
        self.assertEqual(self.presence.count(1011, 1020), {"public": 0, "portal": 0, "user": 0})

    def test_a_time_that_has_not_come_is_of_an_earlier_run_of_the_machine(self):
        self.presence.touch(7, "user", 90_000)
        self.assertEqual(self.presence.count(1000, 1300)["user"], 0)
        self.presence.touch(7, "user", 1200)
        self.assertEqual(self.presence.count(1000, 1300)["user"], 1)

    def test_all_processes_see_the_same_users(self):
        other = Presence(self.path, ROLES)
        other.touch(3, "portal", 50)
        self.assertEqual(self.presence.count(50, 50)["portal"], 1)
        pid = os.fork()
        if not pid:
            self.presence.touch(4, "portal", 50)
            os._exit(0)
        os.waitpid(pid, 0)
        self.assertEqual(self.presence.count(50, 50)["portal"], 2)

    def test_ids_beyond_the_places_are_kept_in_bounds(self):
        self.presence.touch(PLACES + 1, "user", 9)
        self.presence.touch(2**40 + 5, "user", 9)
        self.assertEqual(self.presence.count(9, 9)["user"], 2)
        self.assertEqual(self.path.stat().st_size, (PLACES + PLACES // BLOCK) * 8)

    def test_space_is_reserved_at_once(self):
        self.assertGreaterEqual(self.path.stat().st_blocks * 512, PLACES * 8)

    def test_a_full_disk_is_an_error_at_opening(self):
        with (
            patch("os.posix_fallocate", side_effect=OSError(errno.ENOSPC, "full")),
            self.assertRaises(OSError),
        ):
            Presence(self.path.with_name("another"), ROLES)

    def test_who_was_seen_outlives_the_file(self):
        self.presence.touch(3, "portal", 50)
        self.path.unlink()
        restored = Presence(self.path, ROLES)
        restored.touch(4, "portal", 60)
        restored.advance(self.presence)
        self.assertEqual(restored.count(50, 60)["portal"], 2)

    def test_a_removed_file_is_noticed(self):
        self.assertFalse(self.presence.lost())
        self.path.unlink()
        self.assertTrue(self.presence.lost())
        self.presence.touch(1, "user", 5)
