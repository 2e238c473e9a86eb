"""One attribute replaced, and put back."""


class Patch:
    """Replaces the function ``owner.name`` by ``wrap(function)``.

    :param owner: class or module that holds the function itself (not by inheritance)
    :param str name: the function's name there
    :param wrap: function that takes the original and returns its replacement
    """

    def __init__(self, owner, name, wrap):
        self._owner, self._name, self._wrap = owner, name, wrap
        self._original = self._replacement = None

    def install(self):
        """Put the replacement in place; does nothing if it already is."""
        if self._replacement is None:
            self._original = vars(self._owner)[self._name]
            self._replacement = self._wrap(self._original)
            setattr(self._owner, self._name, self._replacement)

    def uninstall(self):
        """Put the original back, unless someone else has replaced the replacement since."""
        if self._replacement is not None and vars(self._owner)[self._name] is self._replacement:
            setattr(self._owner, self._name, self._original)
            self._original = self._replacement = None
