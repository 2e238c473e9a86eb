"""Jobs of OCA's ``queue_job``: a job is a span of the trace in which it was enqueued.

The job's context carries the ``traceparent``; it is written with the job, and read when it is run. Where the addon is
not there, there is nothing to do.
"""

import functools
import sys

from . import patch, tracing
from .patch import Patch

_JOB = "odoo.addons.queue_job.job"
_KEY = "odoo_telemetry_traceparent"


def _carrying(prepare):
    @functools.wraps(prepare)
    def _job_prepare_context_before_enqueue(self):
        traceparent = tracing.traceparent()
        return {**prepare(self), **({_KEY: traceparent} if traceparent else {})}

    return _job_prepare_context_before_enqueue


def _spanned(perform):
    @functools.wraps(perform)
    def perform_in_span(self):
        method = f"{self.model_name} {self.method_name}"
        headers = {"traceparent": self.recordset.env.context.get(_KEY)}
        attributes = {
            "odoo.model": self.model_name,
            "odoo.method": self.method_name,
            "odoo.job.attempt": self.retry + 1,
        }
        with tracing.span(f"job {method}", headers, kind="consumer", **attributes):
            return perform(self)

    return perform_in_span


_PATCHES = (
    Patch("odoo.addons.queue_job.models.base:Base._job_prepare_context_before_enqueue", _carrying),
    Patch(f"{_JOB}:Job.perform", _spanned),
)


def install():
    """Trace jobs, where the addon is loaded and something is traced."""
    if _JOB in sys.modules and tracing.is_on():
        patch.install(_PATCHES)


def uninstall():
    """Stop tracing jobs."""
    for one in _PATCHES:
        one.uninstall()
