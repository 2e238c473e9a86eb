"""Reading: the values of an instance, added up over the files of all slots."""

from .directory import Directory
from .errors import Errors, NothingMeasuredError
from .reader import Sums
from .values import DamagedError, Key

_MOST_READINGS = 20
"""How often a reading is repeated when files are found damaged, or the directory is lost, during it."""
_NOTHING = Sums([], [], {}, {}, None, [])


class InstanceReader:
    """The values of an instance, whichever process asks."""

    def __init__(self, directory: Directory, errors: Errors) -> None:
        self._directory, self._errors = directory, errors
        self._last = directory.generation, _NOTHING

    def sums(self) -> Sums:
        """Return the sums of the instance's values, all read while the directory was whole.

        What is read from files that were lost meanwhile may be ahead of what others find in the restored ones.
        """
        directory = self._directory
        for _ in range(_MOST_READINGS):
            if directory.is_lost() and not directory.restore_if_lost() and self._known() is not _NOTHING:
                # it can't be made again now: what was read last is never ahead
                break
            self._errors.flush(directory.share)
            generation = directory.generation
            try:
                live, reader = directory.readable()
                sums = reader.read(live)
            except DamagedError as damage:
                if directory.set_aside(damage):
                    continue
                break
            except NothingMeasuredError:
                return _NOTHING
            except Exception as exception:
                self._errors.drop(exception)
                break
            if not directory.is_lost():
                self._last = generation, sums
                break
        return self._known()

    def _known(self) -> Sums:
        generation, sums = self._last
        return sums if generation is self._directory.generation else _NOTHING

    def values(self) -> tuple[dict[Key, float], dict[Key, float]]:
        """Return all values of the instance, and when gauges were set.

        :return: {key: value}; a histogram's buckets are not cumulative yet; and {key: time of :mod:`.clock`}
        """
        sums = self.sums()
        return sums.by_key(), dict(sums.stamps)
