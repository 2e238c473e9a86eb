"""The recording rules: every metric of the specification that is derived from series, over the periods it names."""

from ..rules import Group
from . import influencegen, odoo


def files(link_speed: float) -> dict[str, list[Group]]:
    """Return the groups of recording rules by name of their file.

    link_speed: bytes per second of a network link that does not report its speed.
    """
    return {**odoo.files(link_speed), **influencegen.files()}
