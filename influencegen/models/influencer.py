import re
from contextlib import closing
from math import ceil
from uuid import uuid4

from dateutil.relativedelta import relativedelta
from psycopg2.errors import UniqueViolation

from odoo import Command, api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import email_normalize, mute_logger
from odoo.tools.misc import format_date

from ..compat import USER_GROUPS, Constraint
from ..refusal import about, shown, together
from .counting import count
from .stateful import utcnow
from .throttle import DAY, HOUR

CAMPAIGN_STAFF = "influencegen.group_campaign_manager,influencegen.group_finance"
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
    _inherit = ["influencegen.stateful", "mail.thread", "mail.activity.mixin"]
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
    birthdate = fields.Date(string="Date of birth", required=True, tracking=True)
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
    activated_at = fields.Datetime(string="Activated at", readonly=True, copy=False)
    kyc_ids = fields.One2many(
        "influencegen.kyc",
        "influencer_id",
        "KYC",
        groups="influencegen.group_kyc_reviewer,influencegen.group_influencer",
    )

    application_count = fields.Integer(
        string="Number of applications", compute="_compute_application_count", groups=CAMPAIGN_STAFF
    )
    content_count = fields.Integer(string="Content submitted", compute="_compute_content_count", groups=CAMPAIGN_STAFF)
    payment_count = fields.Integer(string="Number of payments", compute="_compute_payment_count", groups=CAMPAIGN_STAFF)
    image_count = fields.Integer(
        string="Number of images", compute="_compute_image_count", groups="influencegen.group_campaign_manager"
    )

    _email_unique = Constraint(
        "UNIQUE(company_id, email)", "An influencer with this e-mail address is already registered."
    )

    def _compute_application_count(self):
        count(self, "application_count", "influencegen.application", "influencer_id")

    def _compute_content_count(self):
        count(self, "content_count", "influencegen.content", "influencer_id")

    def _compute_payment_count(self):
        count(self, "payment_count", "influencegen.payment", "influencer_id")

    def _compute_image_count(self):
        count(self, "image_count", "influencegen.image", "influencer_id")

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._normalised(vals) for vals in vals_list])

    def write(self, vals):
        if VERIFIED & vals.keys() and any(influencer.state != "registered" for influencer in self):
            raise UserError(self.env._("E-mail address and date of birth can't be changed once KYC has started."))
        return super().write(self._normalised(vals))

    # at_uninstall=True: a client can send the context key with which Odoo skips methods without it
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
                raise ValidationError(self._invalid_email(influencer.email))

    @api.model
    def _invalid_email(self, email):
        return self.env._("“%s” is not a valid e-mail address. Enter one such as name@example.com.", shown(email))

    @api.constrains("birthdate")
    def _check_adult(self):
        for influencer in self:
            self._check_age(influencer.birthdate)

    @api.model
    def _check_age(self, birthdate):
        """Raise ValidationError for a date of birth of somebody who is not an adult yet."""
        if birthdate > fields.Date.today() - relativedelta(years=ADULT):
            raise ValidationError(
                self.env._(
                    "An influencer must be at least %(years)s years old, and %(date)s is too recent. "
                    "Check the date of birth.",
                    years=ADULT,
                    date=format_date(self.env, birthdate),
                )
            )

    @api.model
    def _wait_to_register(self, client):
        """Return 0 if `client` (str) may register now, which is then counted, or the seconds to wait."""

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
        """Register an influencer who signs up, with a portal user and a KYC submission.

        An address that has an account gets an e-mail instead. Neither the answer nor its duration reveals which it was:
        the same is done, and rolled back, under an unused address.

        :param values: name, email, birthdate (YYYY-MM-DD), consent (True), handles (list of {platform, handle})
        :param source: where the registration comes from, as in the field of that name
        :return: the influencer, or none if the address is taken
        :raises ValidationError: what is wrong with the values; the caller rolls back
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
        # flushed here, so that a conflict with another transaction over the address shows now and not at the commit
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
        """Return the values of a registration as those of a record.

        :raises ValidationError: if any value is invalid; one error covers all of them, see `refusal.together`
        """
        read, errors = {"consent_at": utcnow()}, {}
        for name, field, read_value in (
            ("name", "name", self._read_name),
            ("email", "email", self._read_email),
            ("birthdate", "birthdate", self._read_birthdate),
            ("handles", "handle_ids", self._read_handles),
            ("consent", "consent", self._read_consent),
        ):
            try:
                read[field] = read_value(values.get(name))
            except ValidationError as error:
                errors |= getattr(error, "fields", {name: error.args[0]})
        if errors:
            raise together(errors)
        del read["consent"]
        return read

    @api.model
    def _read_name(self, name):
        if not isinstance(name, str) or not name.strip():
            raise ValidationError(self.env._("A name is required."))
        if len(name.strip()) > MAX_NAME:
            raise ValidationError(
                self.env._(
                    "The name has %(length)s characters; the limit is %(limit)s.",
                    length=len(name.strip()),
                    limit=MAX_NAME,
                )
            )
        return name.strip()

    @api.model
    def _read_email(self, email):
        if not isinstance(email, str) or not email.strip():
            raise ValidationError(self.env._("An e-mail address is required."))
        if len(email) > MAX_EMAIL:
            raise ValidationError(
                self.env._(
                    "The e-mail address has %(length)s characters; the limit is %(limit)s.",
                    length=len(email),
                    limit=MAX_EMAIL,
                )
            )
        if not email_normalize(email):
            raise ValidationError(self._invalid_email(email))
        return email_normalize(email)

    @api.model
    def _read_birthdate(self, birthdate):
        if not isinstance(birthdate, str) or not birthdate:
            raise ValidationError(self.env._("A date of birth is required."))
        try:
            date = fields.Date.to_date(birthdate) if ISO_DATE.fullmatch(birthdate) else None
        except ValueError:
            date = None
        if not date:
            raise ValidationError(
                self.env._("“%s” is not a date of birth. Enter it as YYYY-MM-DD, such as 1994-05-12.", shown(birthdate))
            )
        self._check_age(date)
        return date

    @api.model
    def _read_consent(self, consent):
        if consent is not True:
            raise ValidationError(self.env._("Consent to the processing of personal data is required."))
        return True

    @api.model
    def _read_handles(self, handles):
        """Return the commands that create the social handles; an error is about the first that is refused."""
        if isinstance(handles, list) and len(handles) > MAX_HANDLES:
            raise ValidationError(
                self.env._(
                    "%(count)s social handles were sent; the limit is %(limit)s.",
                    count=len(handles),
                    limit=MAX_HANDLES,
                )
            )
        try:
            handles = [{"platform": item["platform"], "handle": item["handle"].strip()} for item in handles or []]
        except (AttributeError, KeyError, TypeError) as error:
            raise ValidationError(self.env._("Each item of “handles” needs a “platform” and a “handle”.")) from error
        for number, handle in enumerate(handles):
            try:
                self._check_handle(**handle)
            except ValidationError as error:
                raise about(f"handle_{number}", error) from error
        return [Command.create(handle) for handle in handles]

    @api.model
    def _check_handle(self, platform, handle):
        platforms = self.env["influencegen.handle"]._fields["platform"].get_values(self.env)
        if platform not in platforms:
            raise ValidationError(
                self.env._(
                    "There is no platform “%(platform)s”. The platforms are %(platforms)s.",
                    platform=shown(str(platform)),
                    platforms=", ".join(platforms),
                )
            )
        if not handle:
            raise ValidationError(self.env._("The social handle is empty. Enter your username, or remove the handle."))
        if len(handle) > MAX_HANDLE:
            raise ValidationError(
                self.env._(
                    "The social handle “%(handle)s” has %(length)s characters; the limit is %(limit)s.",
                    handle=shown(handle),
                    length=len(handle),
                    limit=MAX_HANDLE,
                )
            )

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
        """Queue the e-mail with the link for setting a password."""
        self.partner_id.sudo().signup_prepare()
        # not in the chatter: the e-mail holds the link with which to set the password
        self.env.ref("influencegen.mail_template_welcome").sudo().send_mail(
            self.id, email_values={"model": False, "res_id": False}
        )

    def action_record_consent(self):
        """Record that those whom the back office entered have given their consent, now."""
        for influencer in self:
            if influencer.state != "registered" or influencer.consent_at:
                raise UserError(self.env._("The consent of %s has already been recorded.", influencer.name))
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
