"""Two years of business in a database, made by SQL: as many rows as a large platform has, or as a small one.

Everything is in proportion to the number of images, but for what a platform bounds whatever its size: the open queues,
and the campaigns, as many as the label ``campaign_id`` may have values, so that both sizes expose the same series. Rows
are evenly spread over the time up to now, in the order of their ids. Triggers do not fire and foreign keys are not
checked meanwhile: fill a database before telemetry is installed in it, and the installation finds the rows as it would
on a platform that has run for two years without it.
"""

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg2

from stack.layout import Layout
from stack.services import postgres

DAYS = 730
OPEN = 100
"""How many images, KYC submissions, contents and payments are unfinished, whatever the size."""
CAMPAIGNS = 500


@dataclass(frozen=True)
class Volume:
    """How many rows there are of each kind, for a number of images."""

    images: int

    @property
    def influencers(self) -> int:
        """Influencers, each with a KYC submission."""
        return self.images // 10

    @property
    def users(self) -> int:
        """Portal users: each is shared by several influencers, and has logins."""
        return max(10, self.influencers // 10)

    @property
    def payments(self) -> int:
        return self.images // 5

    @property
    def contents(self) -> int:
        """Contents: each eleventh is rejected, the others have a payment, and the last ones are to be reviewed."""
        return self.payments + (self.payments - 1) // 10 + OPEN

    @property
    def applications(self) -> int:
        """Applications, with two contents each."""
        return (self.contents + 1) // 2

    @property
    def logins(self) -> int:
        return 2 * self.images


SMALL, LARGE = Volume(10_000), Volume(10_000_000)

TABLES = (
    "res_partner", "res_users", "res_users_log", "influencegen_campaign", "influencegen_influencer",
    "influencegen_kyc", "influencegen_application", "influencegen_content", "influencegen_payment",
    "influencegen_payment_attempt", "influencegen_image",
)  # fmt: skip

SESSION = "SET session_replication_role = replica; SET maintenance_work_mem = '1GB'; SET jit = off"

INDEXES = """
SELECT class.relname, pg_get_indexdef(class.oid), obj_description(class.oid, 'pg_class'),
       made.conname, pg_get_constraintdef(made.oid), obj_description(made.oid, 'pg_constraint')
  FROM pg_index
  JOIN pg_class class ON class.oid = indexrelid
  LEFT JOIN pg_constraint made ON made.conindid = indexrelid AND made.contype = 'u'
 WHERE indrelid = %s::regclass AND NOT indisprimary
"""


def fill(layout: Layout, database: str, volume: Volume) -> None:
    """Add the rows of ``volume`` to a database in which the platform is installed, and vacuum and analyze it."""
    with closing(psycopg2.connect(**postgres.dsn(layout, database, postgres.ADMIN))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(SESSION)
            _Filler(cursor, volume).fill()


def size_bytes(layout: Layout, database: str) -> int:
    """Return what a database takes on disk."""
    [[size]] = postgres.execute(layout, f"SELECT pg_database_size('{database}')")
    return size


def draw(salt: int, sides: int) -> str:
    """Return the SQL of a number from 0 to ``sides`` - 1 that depends on the row ``i`` as if by chance."""
    return f"abs(hashint4(i # {salt}) % {sides})"


class _Filler:
    """Fills one database; each method makes the rows of one table, or of those that belong together."""

    def __init__(self, cursor, volume: Volume):
        self._cursor, self._volume = cursor, volume
        self._now = f"'{datetime.now(UTC).replace(tzinfo=None).isoformat()}'::timestamp"
        self._last = {table: self._scalar(f"SELECT coalesce(max(id), 0) FROM {table}") for table in TABLES}
        self._company, self._currency = self._row("SELECT id, currency_id FROM res_company ORDER BY id LIMIT 1")
        self._administrator = self._reference("base", "user_admin")

    def fill(self) -> None:
        for make in (self._users, self._logins, self._campaigns, self._influencers, self._kyc, self._applications,
                     self._contents, self._payments, self._attempts, self._images):  # fmt: skip
            make()
        for table in TABLES:
            self._cursor.execute(f"VACUUM (FREEZE, ANALYZE) {table}")

    # ------------------------------------------------------------------ people

    def _users(self):
        public = self._reference("base", "public_user")
        partner = self._scalar(f"SELECT partner_id FROM res_users WHERE id = {public}")
        at, count = self._spread(self._volume.users), self._volume.users
        self._copy("res_partner", partner, count, {
            "name": "'User ' || i", "complete_name": "'User ' || i", "active": "true", "create_date": at,
            "commercial_partner_id": self._id("res_partner", "i"),
            "email": "'user-' || i || '@example.com'", "email_normalized": "'user-' || i || '@example.com'",
        })  # fmt: skip
        self._copy("res_users", public, count, {
            "login": "'user-' || i || '@example.com'", "partner_id": self._id("res_partner", "i"),
            "active": "true", "create_date": at,
        })  # fmt: skip
        first, last = (self._last["res_users"] + number for number in (1, count))
        self._cursor.execute(f"""
            INSERT INTO res_company_users_rel (cid, user_id)
            SELECT {self._company}, id FROM generate_series({first}, {last}) id;
            WITH RECURSIVE implied (gid) AS (
                SELECT {self._reference("influencegen", "group_influencer")}
                 UNION SELECT hid FROM res_groups_implied_rel rel JOIN implied ON rel.gid = implied.gid)
            INSERT INTO res_groups_users_rel (gid, uid)
            SELECT gid, id FROM implied, generate_series({first}, {last}) id;
            ANALYZE res_company_users_rel, res_groups_users_rel
        """)

    def _logins(self):
        user = self._id("res_users", f"1 + {draw(1, self._volume.users)}")
        at = self._spread(self._volume.logins)
        self._insert("res_users_log", self._volume.logins,
                     {"create_uid": user, "write_uid": user, "create_date": at, "write_date": at})  # fmt: skip

    def _influencers(self):
        count = self._volume.influencers
        at, user = self._spread(count), f"1 + i % {self._volume.users}"
        self._insert("influencegen_influencer", count, self._by_administrator(at) | {
            "name": "'Influencer ' || i", "email": "'influencer-' || i || '@example.com'",
            "birthdate": f"date '1980-01-01' + {draw(2, 8000)}", "consent_at": at,
            "source": f"(array['portal', 'portal', 'api', 'backoffice'])[1 + {draw(3, 4)}]",
            "company_id": self._company, "user_id": self._id("res_users", user),
            "partner_id": self._id("res_partner", user), "state": self._influencer_state(),
            "activated_at": f"CASE WHEN {self._decided('approved')} THEN {self._by(at, '4 days')} END",
        })  # fmt: skip

    def _kyc(self):
        count = self._volume.influencers
        at = self._spread(count)
        sent = f"i > {count - OPEN} OR {self._decided('approved', 'rejected')}"
        manual = f"({draw(5, 100)} < 15 AND ({self._decided('approved', 'rejected')}))"
        review = f"i > {count - OPEN // 2}"
        asked = self._by(at, "3 hours")
        self._insert("influencegen_kyc", count, self._by_administrator(at) | {
            "influencer_id": self._id("influencegen_influencer", "i"), "company_id": self._company,
            "document_type": f"CASE WHEN {sent} THEN 'passport' END",
            "state": f"CASE WHEN {review} THEN 'review' WHEN i > {count - OPEN} THEN 'submitted'"
                     f" WHEN {self._decided('approved')} THEN 'approved'"
                     f" WHEN {self._decided('rejected')} THEN 'rejected' ELSE 'awaiting_document' END",
            "submitted_at": f"CASE WHEN {sent} THEN {self._by(at, '2 hours')} END",
            "automated_outcome": f"CASE WHEN {review} OR {manual} THEN 'referred'"
                                 f" WHEN {self._decided('approved')} THEN 'approved'"
                                 f" WHEN {self._decided('rejected')} THEN 'rejected' END",
            "automated_at": f"CASE WHEN {review} OR {self._decided('approved', 'rejected')} THEN {asked} END",
            "review_requested_at": f"CASE WHEN {review} OR {manual} THEN {asked} END",
            "reviewed_at": f"CASE WHEN {manual} THEN"
                           f" least({asked} + {draw(6, 4000)} * interval '1 minute', {self._now}) END",
            "reviewer_id": f"CASE WHEN {manual} THEN {self._administrator} END",
            "verification_type": f"CASE WHEN {manual} THEN 'manual'"
                                 f" WHEN {self._decided('approved', 'rejected')} THEN 'automated' END",
        })  # fmt: skip

    def _influencer_state(self):
        return (
            f"CASE WHEN i > {self._volume.influencers - OPEN} THEN 'kyc_pending' WHEN {draw(4, 100)} < 3 THEN"
            f" 'kyc_pending' WHEN {draw(4, 100)} < 8 THEN 'rejected' WHEN {draw(4, 100)} < 10 THEN 'suspended'"
            " ELSE 'active' END"
        )

    def _decided(self, *outcomes):
        """Return the condition that the KYC of influencer ``i`` has come to one of the outcomes."""
        sides = {"approved": f"{draw(4, 100)} >= 8", "rejected": f"{draw(4, 100)} BETWEEN 3 AND 7"}
        either = " OR ".join(sides[outcome] for outcome in outcomes)
        return f"(i <= {self._volume.influencers - OPEN} AND ({either}))"

    # ------------------------------------------------------------------ campaigns and money

    def _campaigns(self):
        at, company = self._spread(CAMPAIGNS), self._company
        brand = self._scalar(f"SELECT partner_id FROM res_company WHERE id = {company}")
        self._insert("influencegen_campaign", CAMPAIGNS, self._by_administrator(at) | {
            "name": "'Campaign ' || i", "brand_id": brand, "state": "'open'", "date_start": f"{at}::date",
            "company_id": company, "currency_id": self._currency, "fee": "100", "manager_id": self._administrator,
        })  # fmt: skip

    def _applications(self):
        count = self._volume.applications
        self._insert("influencegen_application", count, self._by_administrator(self._spread(count)) | {
            **self._parties("i"), "company_id": self._company, "state": "'accepted'",
        })  # fmt: skip

    def _parties(self, application):
        """Return the campaign and the influencer of an application: no influencer is twice in one campaign."""
        people, number = self._volume.influencers, f"({application} - 1)"
        campaign = f"1 + ({number} + {number} / {people}) % {CAMPAIGNS}"
        return {
            "campaign_id": self._id("influencegen_campaign", campaign),
            "influencer_id": self._id("influencegen_influencer", f"1 + {number} % {people}"),
        }

    def _contents(self):
        count = self._volume.contents
        self._insert("influencegen_content", count, self._by_administrator(self._spread(count)) | {
            **self._parties("(i + 1) / 2"), "company_id": self._company,
            "application_id": self._id("influencegen_application", "(i + 1) / 2"),
            "url": "'https://example.com/post/' || i",
            "state": f"CASE WHEN i > {count - OPEN} THEN 'submitted' WHEN i % 11 = 0 THEN 'rejected'"
                     " ELSE 'accepted' END",
        })  # fmt: skip

    def _payments(self):
        count, content = self._volume.payments, "(i + (i - 1) / 10)"
        at = self._spread(count)
        self._insert("influencegen_payment", count, self._by_administrator(at) | {
            **self._parties(f"({content} + 1) / 2"), "company_id": self._company,
            "content_id": self._id("influencegen_content", content),
            "amount": "100", "currency_id": self._currency, "provider": "'http'",
            "state": f"CASE WHEN i > {count - OPEN} THEN 'pending' ELSE {self._outcome()} END",
            "paid_at": f"CASE WHEN i <= {count - OPEN} AND {self._outcome()} = 'paid' THEN {at} END",
        })  # fmt: skip

    def _outcome(self):
        """Return the outcome of payment ``i``, unless it is pending; a few are in processing."""
        last = self._volume.payments - OPEN
        return (
            f"CASE WHEN i > {last - OPEN // 10} THEN 'processing' WHEN {draw(7, 100)} < 2 THEN 'failed' ELSE 'paid' END"
        )

    def _attempts(self):
        at = f"({self._spread(self._volume.payments)} - (1 - attempt) * interval '10 minutes')"
        state = f"CASE WHEN attempt = 0 THEN 'failed' ELSE {self._outcome()} END"
        self._insert("influencegen_payment_attempt", self._volume.payments - OPEN, self._by_administrator(at) | {
            "id": f"{self._last['influencegen_payment_attempt']} + row_number() OVER ()",
            "payment_id": self._id("influencegen_payment", "i"), "company_id": self._company, "provider": "'http'",
            "reference": "md5(i || '/' || attempt)::uuid", "state": state, "started_at": at,
            "finished_at": f"CASE WHEN {state} <> 'processing' THEN {self._by(at, '2 seconds')} END",
        }, f", generate_series(({draw(8, 100)} >= 3)::int, 1) attempt")  # fmt: skip

    # ------------------------------------------------------------------ images

    def _images(self):
        count = self._volume.images
        closed = count - OPEN
        asked = f"CASE WHEN i > {closed} THEN {self._now} - ({count} - i) * interval '3 seconds' ELSE" \
                f" {self._spread(closed)} END"  # fmt: skip
        chance, person = draw(9, 1000), f"1 + {draw(10, self._volume.influencers)}"
        user = f"1 + ({person}) % {self._volume.users}"
        models = self._cursor_rows("SELECT id, price_usd FROM influencegen_image_model ORDER BY id")
        model = f"1 + {draw(11, len(models))}"
        self._insert("influencegen_image", count, self._by_administrator(asked) | {
            "uuid": "md5(i::text)::uuid", "user_id": self._id("res_users", user),
            "influencer_id": self._id("influencegen_influencer", person),
            "campaign_id": f"CASE WHEN {draw(12, 10)} < 8 THEN"
                           f" {self._id('influencegen_campaign', f'1 + {draw(13, CAMPAIGNS)}')} END",
            "company_id": self._company, "model_id": f"(array{[each for each, _price in models]})[{model}]",
            "prompt": "'A lighthouse at dusk, number ' || i", "parameters": "'{}'", "requested_at": asked,
            "state": f"CASE WHEN i > {count - OPEN // 2} THEN 'requested' WHEN i > {closed} THEN 'processing'"
                     f" WHEN {chance} < 5 THEN 'timed_out' WHEN {chance} < 35 THEN 'failed' ELSE 'done' END",
            "finished_at": f"CASE WHEN i <= {closed} THEN least({self._now}, {asked}"
                           f" + interval '1 second' * (CASE WHEN {chance} < 5 THEN 900 ELSE 4 END"
                           f" + {draw(14, 1000)} * {draw(15, 1000)} / 1e6 * 30)) END",
            "error": f"CASE WHEN i <= {closed} AND {chance} < 35 THEN 'The AI service returned HTTP status 500' END",
            "cost_usd": f"CASE WHEN i <= {closed} AND {chance} >= 35 THEN"
                        f" (array{[float(price) for _model, price in models]})[{model}] END",
        })  # fmt: skip

    # ------------------------------------------------------------------ how rows are made

    def _spread(self, count):
        """Return when row ``i`` of ``count`` was created: rows are evenly spread over the days up to now."""
        return f"({self._now} - ({count} - i) * interval '{DAYS * 86400 / count:.6f} seconds')"

    def _by(self, at, later):
        """Return a time that is so much later, but not in the future."""
        return f"least({at} + interval '{later}', {self._now})"

    def _id(self, table, number):
        """Return the id of one of the rows made in ``table``, counted from 1."""
        return f"({self._last[table]} + {number})::int"

    def _by_administrator(self, at):
        user = self._administrator
        return {"create_uid": user, "write_uid": user, "create_date": at, "write_date": at}

    def _copy(self, table, template, count, values):
        """Insert ``count`` rows that are as the row with the id ``template``, but for ``values``."""
        columns = self._cursor_rows(
            "SELECT column_name FROM information_schema.columns"
            f" WHERE table_schema = current_schema AND table_name = '{table}'"
        )
        copied = {name: f'template."{name}"' for [name] in columns}
        source = f", (SELECT * FROM {table} WHERE id = {template}) template"
        self._insert(table, count, copied | {"id": self._id(table, "i")} | values, source)

    def _insert(self, table, count, values, source=""):
        """Insert rows for ``i`` from 1 to ``count``: ``values`` are {column: SQL}, ``source`` is more to select from.

        The indexes are made after the rows, in one sort each, which takes a fraction of the time.
        """
        values = {"id": self._id(table, "i")} | values
        self._cursor.execute(INDEXES, [table])
        indexes = self._cursor.fetchall()
        for name, _definition, _comment, constraint, _by, _said in indexes:
            drop = f'ALTER TABLE {table} DROP CONSTRAINT "{constraint}"' if constraint else f'DROP INDEX "{name}"'
            self._cursor.execute(drop)
        columns = ", ".join(f'"{column}"' for column in values)
        expressions = ", ".join(map(str, values.values()))
        self._cursor.execute(
            f"INSERT INTO {table} ({columns}) SELECT {expressions} FROM generate_series(1, {count}) i{source}"
        )
        for name, definition, comment, constraint, by, said in indexes:
            add = f'ALTER TABLE {table} ADD CONSTRAINT "{constraint}" {by}' if constraint else definition
            self._cursor.execute(add)
            if comment:
                self._cursor.execute(f'COMMENT ON INDEX "{name}" IS %s', [comment])
            if said:
                self._cursor.execute(f'COMMENT ON CONSTRAINT "{constraint}" ON {table} IS %s', [said])
        self._cursor.execute(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))")

    def _reference(self, module, name):
        return self._scalar(f"SELECT res_id FROM ir_model_data WHERE module = '{module}' AND name = '{name}'")

    def _cursor_rows(self, query):
        self._cursor.execute(query)
        return self._cursor.fetchall()

    def _row(self, query):
        [row] = self._cursor_rows(query)
        return row

    def _scalar(self, query):
        [value] = self._row(query)
        return value
