import time
from ipaddress import IPv6Network, ip_address

from odoo import api, fields, models
from odoo.tools.misc import hmac

from ..compat import Constraint
from ..transaction import apart

HOUR = 3600
DAY = 24 * HOUR


class Throttle(models.Model):
    """How often something may be done: for all workers and servers of the database, whatever becomes of a request.

    A row stores the time at which the sender's allowance is full again, see
    https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
    """

    _name = "influencegen.throttle"
    _description = "Throttle"
    _log_access = False

    sender = fields.Char(required=True, help="Keyed hash of the allowance's name, which can't be recovered from it.")
    whole_at = fields.Float(string="Full again at", required=True, index=True, help="Unix time")

    _sender_unique = Constraint("unique (sender)", "There is already an allowance for this sender.")

    @api.model
    def _take(self, *allowances):
        """Take one from each of the allowances, or from none, in a transaction of its own.

        :param allowances: tuples of a name, how many may be taken at once, and the seconds until all may be taken again
        :return: 0, or the seconds until it may be tried again
        """
        with apart(self.env) as cr:
            # taken before the snapshot, so that each sees what those before it took
            cr.execute("LOCK TABLE influencegen_throttle IN SHARE ROW EXCLUSIVE MODE")
            return self.with_env(api.Environment(cr, api.SUPERUSER_ID, {}))._take_locked(allowances)

    def _take_locked(self, allowances):
        now, taken, wait = time.time(), {}, 0.0
        for name, most, seconds in allowances:
            sender = hmac(self.env, "influencegen.throttle", name)
            row = self.search([("sender", "=", sender)])
            # capped, so that a clock that was once ahead does not make a sender wait longer than `seconds`
            whole_at = max(min(row.whole_at, now + seconds), now) + seconds / max(most, 1)
            wait = max(wait, whole_at - now - seconds if most > 0 else seconds)
            taken[sender] = row, whole_at
        if wait > 0:
            return wait
        for sender, (row, whole_at) in taken.items():
            if row:
                row.whole_at = whole_at
            else:
                self.create({"sender": sender, "whole_at": whole_at})
        # at the commit, 18.0 no longer knows of this environment
        self.env.flush_all()
        return 0

    @api.autovacuum
    def _gc_whole(self):
        self.search([("whole_at", "<", time.time())]).unlink()


def client(address):
    """Return the part of a client's address (str) that identifies it: of IPv6 the /64 of a subscriber.

    Odoo itself takes the address from the last entry of X-Forwarded-For, that of its own proxy, if `proxy_mode` is set.
    """
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return address or ""
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((parsed, 64), strict=False))
