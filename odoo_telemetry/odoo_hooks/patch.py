"""Replacement of one of Odoo's functions, which can be undone."""

import inspect
import pkgutil
from inspect import Parameter

from .probe import UnsupportedOdooError, check_call, locate

_POSITIONAL = {Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD}


class Patch:
    """Replaces a function of Odoo by ``wrap(function)``.

    The signatures must be compatible: the replacement passes its own parameters on, so Odoo's function must accept
    them; and the replacement must accept what callers pass.

    :param places: where the function is (str, or a tuple with one for each version), as :func:`.probe.find` takes them;
        the class or module there must have the function itself, not by inheritance
    :param wrap: function that takes the original and returns its replacement
    """

    def __init__(self, places, wrap):
        self._places = (places,) if isinstance(places, str) else places
        self._wrap = wrap
        self._owner = self._name = self._original = self._replacement = None

    def probe(self):
        """Check that this Odoo has the function.

        :return: its owner, its name, the function and its replacement
        :raises UnsupportedOdooError: when it has none, or one with another signature
        """
        place, _found = locate(*self._places)
        module, _, path = place.partition(":")
        *parents, name = path.split(".")
        owner = pkgutil.resolve_name(f"{module}:{'.'.join(parents)}" if parents else module)
        original = vars(owner).get(name)
        if original is None:
            raise UnsupportedOdooError(f"{place} is inherited")
        replacement = self._wrap(original)
        theirs, ours = inspect.signature(original), inspect.signature(replacement, follow_wrapped=False)
        check_call(place, theirs, *_named(ours, _POSITIONAL))
        if Parameter.VAR_POSITIONAL not in {parameter.kind for parameter in theirs.parameters.values()}:
            # else it is another addon's replacement (``*args``), whose signature does not name the parameters
            check_call(place, ours, *_named(theirs, _POSITIONAL), **_named(theirs, {Parameter.KEYWORD_ONLY}))
        return owner, name, original, replacement

    def install(self):
        """Put the replacement in place; does nothing if it already is.

        :raises UnsupportedOdooError: as :meth:`probe` does
        """
        if self._replacement is None:
            self._owner, self._name, self._original, self._replacement = self.probe()
            setattr(self._owner, self._name, self._replacement)

    def uninstall(self):
        """Put the original back, unless someone else has replaced the replacement since."""
        if self._replacement is not None and vars(self._owner)[self._name] is self._replacement:
            setattr(self._owner, self._name, self._original)
            self._original = self._replacement = None


def probe(patches):
    """Check that all of ``patches`` (iterable of :class:`Patch`) fit.

    :raises UnsupportedOdooError: when one does not
    """
    for patch in patches:
        patch.probe()


def install(patches):
    """Install all of ``patches`` (iterable of :class:`Patch`), or none if one of them does not fit.

    :raises UnsupportedOdooError: when one does not
    """
    probe(patches)
    for patch in patches:
        patch.install()


def _named(signature, kinds):
    """Return {name: None} of the parameters of these kinds."""
    return {name: None for name, parameter in signature.parameters.items() if parameter.kind in kinds}
