import re
from contextlib import closing
from math import ceil
from uuid import uuid4

from dateutil.relativedelta import relativedelta
from psycopg2.errors import UniqueViolation

from odoo import Command, api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import email_normalize, mute_logger

from ..compat import USER_GROUPS, Constraint
from ..refusal import about
from .stateful import utcnow
from .throttle import DAY, HOUR

ADULT = 18  # years
VERIFIED = {"email", "birthdate"}  # what an invitation and the identity check rely on
ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MAX_NAME = 200  # characters
MAX_EMAIL = 254
MAX_HANDLE = 100
MAX_HANDLES = 20
REGISTRATIONS_PER_CLIENT = 20  # an hour
REGISTRATIONS_PER_HOUR = 500


class Influencer(models.Model):
    _name = "influencegen.influencer"
    _description = "Influencer"
    _inherit = ["influencegen.stateful", "mail.thread"]
    _order = "id desc"

    _transitions = {
        "registered": {"kyc_pending"},
        "kyc_pending": {"active", "rejected"},
        "active": {"suspended"},
        "suspended": {"active"},
        "rejected": set(),
    }
    _system_fields = frozenset({"source", "company_id", "user_id", "partner_id", "consent_at", "activated_at"})

    name = fields.Char(required=True, tracking=True)
    email = fields.Char(required=True, copy=False, tracking=True)
    birthdate = fields.Date(required=True, tracking=True)
    consent_at = fields.Datetime("Consent given at", readonly=True, copy=False, tracking=True)
    handle_ids = fields.One2many("influencegen.handle", "influencer_id", "Handles")
    source = fields.Selection(
        [("portal", "Portal"), ("api", "API"), ("backoffice", "Back office")],
        default="backoffice",
        required=True,
        copy=False,
        readonly=True,
    )
    company_id = fields.Many2one(
        "res.company", required=True, index=True, readonly=True, copy=False, default=lambda self: self.env.company
    )
    user_id = fields.Many2one("res.users", "Portal user", index=True, readonly=True, copy=False, ondelete="restrict")
    partner_id = fields.Many2one("res.partner", "Contact", related="user_id.partner_id", store=True)
    state = fields.Selection(
        [
            ("registered", "Registered"),
            ("kyc_pending", "KYC pending"),
            ("active", "Active"),
            ("suspended", "Suspended"),
            ("rejected", "Rejected"),
        ],
        required=True,
        readonly=True,
        index=True,
        copy=False,
        default="registered",
        group_expand=True,
        tracking=True,
    )
    activated_at = fields.Datetime(readonly=True, copy=False)
    kyc_ids = fields.One2many(
        "influencegen.kyc",
        "influencer_id",
        "KYC",
        groups="influencegen.group_kyc_reviewer,influencegen.group_influencer",
    )

    _email_unique = Constraint(
        "UNIQUE(company_id, email)", "An influencer with this e-mail address is already registered."
    )

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._normalised(vals) for vals in vals_list])

    def write(self, vals):
        if VERIFIED & vals.keys() and any(influencer.state != "registered" for influencer in self):
            raise UserError(self.env._("E-mail address and date of birth can't be changed once KYC has started."))
        return super().write(self._normalised(vals))

    # a client can send the context key by which Odoo leaves out the others
    @api.ondelete(at_uninstall=True)
    def _unlink_except_awaiting_document(self):
        self.sudo().kyc_ids._unlink_except_awaiting_document()

    @api.model
    def _normalised(self, vals):
        email = vals.get("email")
        return {**vals, "email": email_normalize(email) or email} if email else vals

    @api.constrains("email")
    def _check_email(self):
        for influencer in self:
            if email_normalize(influencer.email) != influencer.email:
                raise ValidationError(self.env._("“%s” is not a valid e-mail address.", influencer.email))

    @api.constrains("birthdate")
    def _check_adult(self):
        latest = fields.Date.today() - relativedelta(years=ADULT)
        if any(influencer.birthdate > latest for influencer in self):
            raise about("birthdate", ValidationError(self.env._("An influencer must be at least %s years old.", ADULT)))

    @api.model
    def _wait_to_register(self, client):
        """Return 0 if somebody at `client` (str) may register now, which is noted, or the seconds to wait."""

        def limit(name, default):
            value = self.env["ir.config_parameter"].sudo().get_param(f"influencegen.{name}") or ""
            return int(value) if value.isdecimal() else default

        wait = self.env["influencegen.throttle"]._take(
            (f"registrations of {client}", limit("registrations_per_client", REGISTRATIONS_PER_CLIENT), HOUR),
            ("registrations", limit("registrations_per_hour", REGISTRATIONS_PER_HOUR), HOUR),
        )
        return ceil(wait)

    @api.model
    def _sign_up(self, values, source):
        """Register an influencer who signs up, with a portal user and a first KYC step.

        An address that has an account gets an e-mail instead. To tell from the outside which it was, there is neither
        an answer nor the time it takes: the same is done, and undone, under an address of nobody's.

        :param values: name, email, birthdate (YYYY-MM-DD), consent (True), handles (list of {platform, handle})
        :param source: where the registration comes from, as in the field of that name
        :return: the influencer, or none if the address is taken
        :raises ValidationError: says what is wrong with the values; the caller rolls back
        """
        values = {**self._read_registration(values), "source": source}
        if not self._is_taken(values["email"]):
            try:
                with self.env.cr.savepoint(), mute_logger("odoo.sql_db"):
                    return self._enrol(values)
            except UniqueViolation:
                # at the same moment, in another transaction
                self._remind(values["email"])
                return self.browse()
        with closing(self.env.cr.savepoint()):
            self._enrol({**values, "email": f"{uuid4().hex}@example.invalid"})
        self._remind(values["email"])
        return self.browse()

    @api.model
    def _enrol(self, values):
        influencer = self._create_as_system(values)
        influencer._start_kyc()
        # here, not when the transaction ends, does another one's claim to the address show
        self.env.flush_all()
        return influencer

    @api.model
    def _remind(self, email):
        """Write to the owner of an address that has an account, once a day at most."""
        if not self.env["influencegen.throttle"]._take((f"reminder to {email}", 1, DAY)):
            template = self.env.ref("influencegen.mail_template_registered").sudo()
            template.send_mail(self.env.company.id, email_values={"email_to": email})

    @api.model
    def _is_taken(self, email):
        """Return whether `email` is that of an influencer of this company, or the login of any user."""
        users = self.env["res.users"].sudo().with_context(active_test=False)
        return bool(
            self.sudo().search_count([("email", "=", email), ("company_id", "=", self.env.company.id)], limit=1)
            or users.search_count([("login", "=", email)], limit=1)
        )

    @api.model
    def _read_registration(self, values):
        """Return the values of a registration as those of a record; raise ValidationError if they can't be."""
        name, email = values.get("name"), values.get("email")
        if not isinstance(name, str) or not name.strip():
            raise about("name", ValidationError(self.env._("A name is required.")))
        if len(name) > MAX_NAME:
            raise about("name", ValidationError(self.env._("A name has at most %s characters.", MAX_NAME)))
        if not isinstance(email, str) or len(email) > MAX_EMAIL or not email_normalize(email):
            raise about("email", ValidationError(self.env._("A valid e-mail address is required.")))
        if not isinstance(values.get("birthdate"), str) or not ISO_DATE.fullmatch(values["birthdate"]):
            birthdate = None
        else:
            try:
                birthdate = fields.Date.to_date(values["birthdate"])
            except ValueError:
                birthdate = None
        if not birthdate:
            raise about("birthdate", ValidationError(self.env._("A date of birth is required, as YYYY-MM-DD.")))
        if values.get("consent") is not True:
            raise about(
                "consent", ValidationError(self.env._("Consent to the processing of personal data is required."))
            )
        return {
            "name": name.strip(),
            "email": email_normalize(email),
            "birthdate": birthdate,
            "consent_at": utcnow(),
            "handle_ids": [Command.create(handle) for handle in self._read_handles(values.get("handles") or [])],
        }

    @api.model
    def _read_handles(self, handles):
        platforms = self.env["influencegen.handle"]._fields["platform"].get_values(self.env)
        if isinstance(handles, list) and len(handles) > MAX_HANDLES:
            raise ValidationError(self.env._("At most %s social handles are accepted.", MAX_HANDLES))
        try:
            handles = [{"platform": item["platform"], "handle": item["handle"].strip()} for item in handles]
        except (AttributeError, KeyError, TypeError) as error:
            raise ValidationError(self.env._("Each social handle has a platform and a handle.")) from error
        for handle in handles:
            if handle["platform"] not in platforms or not handle["handle"]:
                raise ValidationError(
                    self.env._("A social handle needs a name and one of the platforms %s.", ", ".join(platforms))
                )
            if len(handle["handle"]) > MAX_HANDLE:
                raise ValidationError(self.env._("A social handle has at most %s characters.", MAX_HANDLE))
        return handles

    def _start_kyc(self):
        """Open the portal to each influencer and ask for an identity document."""
        self._transition("kyc_pending")
        for influencer in self:
            influencer._as_system().user_id = influencer._create_user()
            influencer._invite()
        self.env["influencegen.kyc"].sudo().create([{"influencer_id": influencer.id} for influencer in self])

    def _create_user(self):
        self.ensure_one()
        values = {
            "name": self.name,
            "login": self.email,
            "email": self.email,
            "company_id": self.company_id.id,
            "company_ids": [Command.set(self.company_id.ids)],
            USER_GROUPS: [Command.set(self.env.ref("influencegen.group_influencer").ids)],
        }
        return self.env["res.users"].sudo().with_context(no_reset_password=True).create(values)

    def _invite(self):
        """Send the link with which to set a password, with the next e-mails that leave."""
        self.partner_id.sudo().signup_prepare()
        # not in the chatter: the e-mail holds the link with which to set the password
        self.env.ref("influencegen.mail_template_welcome").sudo().send_mail(
            self.id, email_values={"model": False, "res_id": False}
        )

    def action_record_consent(self):
        """Record that those whom the back office entered have given their consent, now."""
        for influencer in self:
            if influencer.state != "registered" or influencer.consent_at:
                raise UserError(self.env._("The consent of %s is recorded already.", influencer.name))
        self._as_system().consent_at = utcnow()

    def action_start_kyc(self):
        """Invite those whom the back office entered; they must have given their consent."""
        self.check_access("write")
        for influencer in self:
            if not influencer.consent_at:
                raise UserError(self.env._("Record the consent of %s first.", influencer.name))
        self._start_kyc()

    def action_suspend(self):
        self._transition("suspended")

    def action_reactivate(self):
        self._transition("active")


class Handle(models.Model):
    _name = "influencegen.handle"
    _description = "Social handle"
    _inherit = ["influencegen.guarded"]
    _rec_name = "handle"
    _system_fields = frozenset({"company_id"})
    _fixed_fields = frozenset({"influencer_id"})

    influencer_id = fields.Many2one("influencegen.influencer", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(related="influencer_id.company_id", store=True, index=True)
    platform = fields.Selection(
        [
            ("instagram", "Instagram"),
            ("tiktok", "TikTok"),
            ("youtube", "YouTube"),
            ("x", "X"),
            ("facebook", "Facebook"),
            ("linkedin", "LinkedIn"),
            ("pinterest", "Pinterest"),
            ("snapchat", "Snapchat"),
            ("twitch", "Twitch"),
            ("other", "Other"),
        ],
        required=True,
    )
    handle = fields.Char(required=True)
