"""The store of this process: the values of all metrics, shared by all workers of an instance.

Each process writes to memory-mapped files of its slot (``slots.py``): ``values`` keeps what must outlive the process,
``live`` what ends with it (``holding.py``), ``exemplars`` the newest traced observations (``exemplars.py``). A reading
adds up the ``values`` and ``live`` of all slots (``reader.py``). Counting with ``inc``, ``add``, ``set`` and
``observe`` never raises, and waits for other processes only when a series is new to this process: what can't be stored
is dropped, counted and logged.
"""

import os

from .databases import Databases
from .directory import Directory
from .errors import Errors
from .exemplars import Exemplars
from .heartbeat import Heartbeat
from .instance import InstanceReader
from .limits import Limits
from .server_tokens import ServerTokens
from .writer import Writer

errors = Errors()
heartbeat = Heartbeat(errors.drop)
directory = Directory(errors, heartbeat)
databases = Databases(directory, errors)
server_tokens = ServerTokens(errors)
limits = Limits(directory, databases, errors)
writer = Writer(directory, limits)
exemplars = Exemplars(directory, limits, errors)
reader = InstanceReader(directory, errors)

heartbeat.add(directory.maintain)


def _after_fork() -> None:
    errors.forked()
    heartbeat.forked()
    directory.after_fork_in_child()


os.register_at_fork(
    before=directory.before_fork,
    after_in_parent=directory.after_fork_in_parent,
    after_in_child=_after_fork,
)
