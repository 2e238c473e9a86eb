"""What a hook needs of Odoo: looked for before anything relies on it.

A place is written ``module:attribute.attribute``, as in the entry points of Python packages.
"""

import pkgutil


class UnsupportedOdooError(Exception):
    """This Odoo lacks what a hook needs; the message names it."""


def find(*places):
    """Return the object at the first of ``places`` that this Odoo has.

    :param str places: of the same object in each version of Odoo, those of the newest first
    :raises UnsupportedOdooError: when there is none
    """
    return locate(*places)[1]


def locate(*places):
    """Return (place, object), as :func:`find` does."""
    for place in places:
        try:
            return place, pkgutil.resolve_name(place)
        except (ImportError, AttributeError):
            continue
    raise UnsupportedOdooError(f"there is no {' or '.join(places)}")


def check_call(place, signature, *arguments, **options):
    """Check that a function takes these arguments.

    :param str place: where it is, for the message
    :param inspect.Signature signature: of the function
    :raises UnsupportedOdooError: when it takes others
    """
    try:
        signature.bind(*arguments, **options)
    except TypeError as error:
        raise UnsupportedOdooError(f"{place}{signature} has an unexpected signature: {error}") from error
