from odoo.tests import BaseCase

from ..odoo_hooks.patch import Patch

GREET = f"{__name__}:Owner.greet"


class Owner:
    def greet(self):
        return "hello"


class TestPatch(BaseCase):
    def setUp(self):
        super().setUp()
        original = Owner.greet
        self.addCleanup(setattr, Owner, "greet", original)
        self.patch = Patch(GREET, lambda greet: lambda self: greet(self).upper())

    def test_install_twice_wraps_once(self):
        self.patch.install()
        once = Owner.greet
        self.patch.install()
        self.assertIs(Owner.greet, once)
        self.assertEqual(Owner().greet(), "HELLO")

    def test_uninstall_restores_the_very_function(self):
        original = Owner.greet
        self.patch.install()
        self.patch.uninstall()
        self.assertIs(Owner.greet, original)
        self.patch.uninstall()
        self.assertIs(Owner.greet, original)

    def test_a_later_patch_of_someone_else_is_left_alone(self):
        self.patch.install()
        ours = Owner.greet
        Owner.greet = theirs = lambda self: ours(self) + "!"
        self.patch.uninstall()
        self.assertIs(Owner.greet, theirs)
        self.patch.install()
        self.assertEqual(Owner().greet(), "HELLO!")
