"""State of a request while it is processed, shared by its threads: FastAPI runs its endpoints in others."""

from contextvars import ContextVar


class RequestState:
    """A request that is being answered.

    status_class: of the response, such as '2xx'; '5xx' as long as there is none
    served: (database, route, user id, role), as of the beginning of the response
    failure: the exception that is answered, or None
    logged: exceptions that were logged as errors meanwhile; None once they are counted
    call: (database, model, method, whether it failed) of an RPC call, or None
    statements: seconds of each SQL statement that another thread sent
    scope: the ASGI scope of an application that answers, or None
    """

    __slots__ = ("call", "failure", "logged", "scope", "served", "statements", "status_class")

    def __init__(self, served):
        self.status_class, self.served = "5xx", served
        self.failure = self.call = self.scope = None
        self.logged, self.statements = [], []

    @property
    def is_over(self):
        """Whether the request was answered, and its errors are counted."""
        return self.logged is None


current = ContextVar("odoo_telemetry_request", default=None)
"""The :class:`RequestState` of the current request, or None; also in threads that run in a copy of its context."""
