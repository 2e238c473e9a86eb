import base64
import json
import logging
import secrets
from datetime import datetime, time, timedelta
from functools import partial
from uuid import UUID, uuid4

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.modules.registry import Registry

from .. import intake, picture, signing
from ..compat import Constraint
from ..refusal import about, shown
from ..transaction import claim, own
from .api import ApiError
from .stateful import utcnow

TIMEOUT = 5  # seconds
DAILY_QUOTA = 50
SECONDS_TO_ANSWER = 900
MAX_CODE = 100  # characters
MAX_PROMPT = 4000
MAX_PARAMETERS = 4000  # characters of JSON
MAX_DEPTH = 4
MAX_ID = 50
MAX_REASON = 500
FINAL_STATES = ("done", "failed", "timed_out")

_logger = logging.getLogger(__name__)


class CallbackError(Exception):
    """A callback that is refused: `status` is the HTTP status, `reason` the explanation for the sender."""

    def __init__(self, status, reason):
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Image(models.Model):
    _name = "influencegen.image"
    _description = "AI image"
    _inherit = ["influencegen.stateful"]
    _order = "id desc"
    _rec_name = "uuid"
    _check_company_auto = True
    _transitions = {
        "requested": {"processing", *FINAL_STATES},
        "processing": {*FINAL_STATES},
    }
    _system_fields = frozenset({
        "accepted_at", "finished_at", "error", "cost_usd", "attachment_id", "picture", "callback_signature",
    })  # fmt: skip
    _fixed_fields = frozenset({
        "uuid", "user_id", "influencer_id", "campaign_id", "company_id", "model_id", "prompt", "parameters",
        "requested_at",
    })  # fmt: skip

    uuid = fields.Char(string="Request ID", required=True, readonly=True, copy=False, default=lambda self: str(uuid4()))
    user_id = fields.Many2one("res.users", required=True, readonly=True, default=lambda self: self.env.user, index=True)
    influencer_id = fields.Many2one("influencegen.influencer", readonly=True, index=True, check_company=True)
    campaign_id = fields.Many2one("influencegen.campaign", readonly=True, index=True, check_company=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True, default=lambda self: self.env.company)
    model_id = fields.Many2one("influencegen.image.model", required=True, readonly=True, ondelete="restrict")
    prompt = fields.Text(required=True, readonly=True)
    parameters = fields.Json(readonly=True)
    state = fields.Selection(
        [
            ("requested", "Requested"),
            ("processing", "Processing"),
            ("done", "Done"),
            ("failed", "Failed"),
            ("timed_out", "Timed out"),
        ],
        default="requested",
        required=True,
        readonly=True,
        copy=False,
        index=True,
    )
    requested_at = fields.Datetime(
        string="Requested at", required=True, readonly=True, copy=False, default=lambda self: utcnow(), index=True
    )
    accepted_at = fields.Datetime(
        string="Accepted at", readonly=True, copy=False, help="When n8n accepted the request."
    )
    finished_at = fields.Datetime(string="Finished at", readonly=True, copy=False)
    error = fields.Char(readonly=True, copy=False)
    cost_usd = fields.Float(string="Cost (USD)", digits=(16, 4), readonly=True, copy=False)
    attachment_id = fields.Many2one("ir.attachment", readonly=True, copy=False, ondelete="set null")
    picture = fields.Binary(related="attachment_id.datas")
    callback_signature = fields.Char(string="Callback signature", readonly=True, copy=False, groups="base.group_system")

    _uuid_unique = Constraint("unique (uuid)", "There is already a request with this ID.")

    @api.model
    def _request(self, model_code, prompt, parameters=None, campaign=None):
        """Request an image for the current user; the webhook is sent once the transaction is committed.

        :param model_code: code of an active `influencegen.image.model`
        :param parameters: dict for the AI service
        :param campaign: the `influencegen.campaign` it is for, if any
        :return: the request
        :raise UserError: empty prompt, unknown model, closed campaign, no active influencer, or quota used up
        """
        campaign = campaign if campaign is not None else self.env["influencegen.campaign"]
        influencer = self._check_requester(campaign)
        prompt = self._check_prompt(prompt)
        self._check_parameters(parameters)
        if not intake.is_text(model_code) or len(model_code) > MAX_CODE:
            raise about("model", UserError(self.env._("There is no such image model. Choose one from the list.")))
        model = self.env["influencegen.image.model"].sudo().search([("code", "=", model_code)], limit=1)
        if not model:
            message = self.env._("There is no image model “%s”. Choose one from the list.", shown(model_code))
            raise about("model", UserError(message))
        self._check_quota()
        image = self.sudo().create(
            {
                "user_id": self.env.uid,
                "influencer_id": influencer.id,
                "campaign_id": campaign.id,
                "company_id": (campaign.company_id or influencer.company_id or self.env.company).id,
                "model_id": model.id,
                "prompt": prompt,
                "parameters": parameters or {},
            }
        )
        self.env.cr.postcommit.add(partial(_deliver_later, self.env.cr.dbname, image.id))
        return image.with_env(self.env)

    def _check_requester(self, campaign):
        """Return the influencer that the current user is; campaign managers need not be one."""
        campaign.check_access("read")
        if campaign and campaign.state != "open":
            raise UserError(self.env._("Campaign %s is not open.", campaign.name))
        influencer = self.env["influencegen.influencer"].sudo().search([("user_id", "=", self.env.uid)], limit=1)
        if influencer and influencer.state != "active":
            raise UserError(self.env._("Only active influencers can request images."))
        if not influencer and not self.env.user.has_group("influencegen.group_campaign_manager"):
            raise AccessError(self.env._("You are not allowed to request images."))
        return influencer

    @api.model
    def _check_prompt(self, prompt):
        """Return the prompt without surrounding whitespace; raise UserError if it is empty or too long."""
        prompt = prompt.strip() if intake.is_text(prompt) else ""
        if not prompt:
            raise about("prompt", UserError(self.env._("Describe what the image should show.")))
        if len(prompt) > MAX_PROMPT:
            message = self.env._(
                "The prompt has %(length)s characters; the limit is %(limit)s. Shorten it.",
                length=len(prompt),
                limit=MAX_PROMPT,
            )
            raise about("prompt", UserError(message))
        return prompt

    @api.model
    def _check_parameters(self, parameters):
        """Raise UserError unless `parameters` is a small dict of what JSON can hold, or None."""
        level = [parameters or {}]
        if isinstance(level[0], dict) and intake.is_storable(level[0]):
            for _depth in range(MAX_DEPTH):
                values = [value for item in level for value in (item.values() if isinstance(item, dict) else item)]
                level = [value for value in values if isinstance(value, dict | list)]
            if not level and len(json.dumps(parameters)) <= MAX_PARAMETERS:
                return
        raise UserError(self.env._("The parameters must be a JSON object of at most %s characters.", MAX_PARAMETERS))

    def _check_quota(self):
        quota = int(self._parameter("image_daily_quota", DAILY_QUOTA))
        today = datetime.combine(utcnow(), time.min)
        asked = self.sudo().search_count([("user_id", "=", self.env.uid), ("requested_at", ">=", today)])
        if asked >= quota:
            raise UserError(
                self.env._("You have reached the limit of %s images per day. It resets at 00:00 UTC.", quota)
            )

    @api.model
    def _generate_secret(self):
        """Give the database a webhook secret of its own, unless it has one."""
        if not self._parameter("webhook_secret"):
            self.env["ir.config_parameter"].sudo().set_param("influencegen.webhook_secret", secrets.token_hex(32))

    @api.model
    def _parameter(self, name, default=""):
        return self.env["ir.config_parameter"].sudo().get_param(f"influencegen.{name}") or default

    def _deliver(self):
        """Send the signed webhook; the request is then processing, or failed if n8n did not take it.

        If the callback came first, the state stays as the callback set it, and only ``accepted_at`` is added.
        """
        self.ensure_one()
        try:
            with own(self) as image:
                url, body, headers = image._webhook()
            # no row is locked meanwhile
            self.env["influencegen.api"]._call(
                "n8n_webhook", "image", "POST", url, timeout=TIMEOUT, data=body, headers=headers
            )
        except (ApiError, ValueError) as error:
            state, values = "failed", {"finished_at": utcnow(), "error": str(error)}
        else:
            state, values = "processing", {"accepted_at": utcnow()}
        with own(self) as image:
            if claim(image, wait=True):
                if image.state == "requested":
                    image._transition(state, **values)
                elif state == "processing":
                    image._as_system().write(values)

    def _webhook(self):
        """Return address, body (bytes) and headers of the webhook."""
        body = json.dumps(
            {
                "request_id": self.uuid,
                "model": self.model_id.code,
                "prompt": self.prompt,
                "parameters": self.parameters or {},
                "callback_url": self._parameter("callback_url", f"{self.get_base_url()}/influencegen/image/callback"),
            }
        ).encode()
        headers = signing.sign(self._parameter("webhook_secret"), body)
        url = self.env["influencegen.api"]._address("n8n_webhook", "n8n_webhook_url")
        return url, body, {"Content-Type": "application/json", **headers}

    @api.model
    def _receive(self, payload, signature):
        """Take the result of a request from n8n, once.

        :param payload: dict with request_id, status (done or failed), image (base64) or error
        :param signature: the verified signature of the callback; once accepted it is not accepted again
        :return: `ok`, or `duplicate` if the request had come to its end before
        :raise CallbackError: replayed, unknown, or without a readable image
        """
        image = self._find(payload)
        if image.callback_signature == signature:
            raise CallbackError(409, "This callback was already accepted.")
        if image.state in FINAL_STATES:
            return "duplicate"
        values = {"finished_at": utcnow(), "callback_signature": signature}
        if payload.get("status") == "done":
            values["attachment_id"] = image._store(payload.get("image")).id
            values["cost_usd"] = image.model_id.price_usd
            image._transition("done", **values)
        elif payload.get("status") == "failed":
            reason = payload.get("error") or self.env._("No reason given.")
            if not isinstance(reason, str):
                raise CallbackError(400, "The error must be a string.")
            reason = reason.replace("\0", "")[:MAX_REASON]
            image._transition("failed", error=reason, **values)
        else:
            raise CallbackError(400, "The status must be done or failed.")
        return "ok"

    @api.model
    def _find(self, payload):
        """Return the request of the callback, its row locked; a concurrent change of the row causes a retry."""
        try:
            uuid = str(UUID(payload["request_id"][:MAX_ID]))
        except (TypeError, KeyError, ValueError, AttributeError):
            raise CallbackError(400, "The request_id is missing or malformed.") from None
        self.flush_model()
        self.env.cr.execute(
            "SELECT id FROM influencegen_image WHERE uuid = %s FOR UPDATE", [uuid], log_exceptions=False
        )
        image = self.browse(row[0] for row in self.env.cr.fetchall())
        if not image:
            raise CallbackError(404, "There is no such request.")
        image.invalidate_recordset()
        return image

    def _store(self, encoded):
        """Keep the base64 image as an attachment of the request and return it."""
        try:
            content = base64.b64decode(encoded, validate=True)
            mimetype = picture.check(content)
        except (TypeError, ValueError):
            raise CallbackError(400, "The image can't be read.") from None
        return self.env["ir.attachment"].create(
            {
                "name": f"{self.uuid}.{mimetype.removeprefix('image/')}",
                "raw": content,
                "mimetype": mimetype,
                "res_model": self._name,
                "res_id": self.id,
            }
        )

    @api.model
    def _cron_time_out(self):
        """Time out the requests that n8n has not answered."""
        seconds = int(self._parameter("image_timeout_seconds", SECONDS_TO_ANSWER))
        self.flush_model()
        self.env.cr.execute(
            "SELECT id FROM influencegen_image WHERE state IN ('requested', 'processing') AND requested_at < %s"
            " ORDER BY id FOR UPDATE SKIP LOCKED",
            [utcnow() - timedelta(seconds=seconds)],
        )
        images = self.browse(row[0] for row in self.env.cr.fetchall())
        images.invalidate_recordset()
        images._transition("timed_out", finished_at=utcnow(), error=self.env._("No result after %s s.", seconds))


def _deliver_later(dbname, image_id):
    """Deliver the webhook in a transaction of its own; the one that requested the image is committed."""
    try:
        with Registry(dbname).cursor() as cr:
            for image in api.Environment(cr, SUPERUSER_ID, {})["influencegen.image"].browse(image_id).exists():
                image._deliver()
    except Exception:
        _logger.exception("The webhook of image request %s was not delivered", image_id)
