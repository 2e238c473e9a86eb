import base64
import logging
import re
import time

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools.mimetypes import guess_mimetype

from .. import intake, picture
from ..refusal import about, shown
from ..transaction import claim, own
from .api import ApiError
from .stateful import utcnow

_logger = logging.getLogger(__name__)

DOCUMENT_EXTENSIONS = {
    "application/pdf": {"pdf"},
    "image/jpeg": {"jpg", "jpeg"},
    "image/png": {"png"},
}
DOCUMENT_MAX_BYTES = 5 * 1024 * 1024
MAX_FILENAME = 200  # characters
PDF_END = re.compile(rb"startxref\s+([0-9]+)\s+%%EOF", re.DOTALL)
PDF_TAIL = 1024  # bytes, within which readers look for the end
STEPS = ("document", "identity")
STEP_TIMEOUT = 10  # seconds
CRON_BUDGET = 30  # seconds; one more record must fit into Odoo's time limit for a cron


class Kyc(models.Model):
    _name = "influencegen.kyc"
    _description = "KYC submission"
    _inherit = ["influencegen.stateful", "mail.thread", "mail.activity.mixin"]
    _order = "id desc"

    _transitions = {
        "awaiting_document": {"submitted"},
        "submitted": {"approved", "rejected", "review"},
        "review": {"approved", "rejected"},
        "approved": set(),
        "rejected": set(),
    }
    _system_fields = frozenset({
        "company_id", "document_type", "attachment_id", "submitted_at", "automated_outcome", "automated_at",
        "automated_reason", "birthdate", "document", "mimetype", "review_requested_at", "reviewed_at", "reviewer_id",
        "verification_type",
    })  # fmt: skip
    _fixed_fields = frozenset({"influencer_id"})

    influencer_id = fields.Many2one(
        "influencegen.influencer", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="influencer_id.company_id", store=True, index=True)
    birthdate = fields.Date(related="influencer_id.birthdate", groups="influencegen.group_kyc_reviewer")
    document_type = fields.Selection(
        [("passport", "Passport"), ("identity_card", "Identity card"), ("driving_licence", "Driving licence")],
        "Document type",
        readonly=True,
        copy=False,
    )
    attachment_id = fields.Many2one("ir.attachment", "Document", readonly=True, copy=False, ondelete="set null")
    document = fields.Binary("Document file", related="attachment_id.datas", groups="influencegen.group_kyc_reviewer")
    mimetype = fields.Char("MIME type", related="attachment_id.mimetype", groups="influencegen.group_kyc_reviewer")
    state = fields.Selection(
        [
            ("awaiting_document", "Awaiting document"),
            ("submitted", "Submitted"),
            ("review", "In review"),
            ("approved", "Approved"),
            ("rejected", "Rejected"),
        ],
        required=True,
        readonly=True,
        index=True,
        copy=False,
        default="awaiting_document",
        group_expand=True,
        tracking=True,
    )
    submitted_at = fields.Datetime(string="Submitted at", readonly=True, copy=False)
    automated_outcome = fields.Selection(
        [("approved", "Approved"), ("rejected", "Rejected"), ("referred", "Referred to a reviewer")],
        "Outcome of the automated check",
        readonly=True,
        copy=False,
    )
    automated_at = fields.Datetime("Automated check at", readonly=True, copy=False)
    automated_reason = fields.Char(string="Reason given by the automated check", readonly=True, copy=False)
    review_requested_at = fields.Datetime("Review requested at", readonly=True, copy=False)
    reviewed_at = fields.Datetime(string="Reviewed at", readonly=True, copy=False)
    reviewer_id = fields.Many2one("res.users", readonly=True, copy=False)
    reason = fields.Char(
        copy=False,
        help="Reason for the decision. Required for a rejection; the influencer reads it on the portal.",
        tracking=True,
    )
    verification_type = fields.Selection(
        [("automated", "Automated check"), ("manual", "Reviewer")],
        "Decided by",
        readonly=True,
        copy=False,
        help="Whether the automated check or a reviewer made the decision.",
    )

    def write(self, vals):
        if "reason" in vals:
            self._check_in_review()
        return super().write(vals)

    # at_uninstall=True: a client can send the context key with which Odoo skips methods without it
    @api.ondelete(at_uninstall=True)
    def _unlink_except_awaiting_document(self):
        if any(kyc.state != "awaiting_document" for kyc in self):
            raise UserError(self.env._("A KYC submission can't be deleted once its document has been uploaded."))

    @api.depends("influencer_id.name")
    def _compute_display_name(self):
        for kyc in self:
            kyc.display_name = self.env._("KYC of %s", kyc.influencer_id.name)

    def _submit_document(self, document_type, filename, content):
        """Store an identity document and request its verification.

        :param str document_type: one of the field's values
        :param str filename: its extension must be that of the content
        :param bytes content: a PDF, JPEG or PNG of at most 5 MiB
        :raises ValidationError: the document is refused; nothing is kept
        """
        self.ensure_one()
        mimetype = self._check_document(document_type, filename, content)
        attachment = self.env["ir.attachment"].create(
            {
                "name": filename,
                "raw": content,
                "mimetype": mimetype,
                "res_model": self._name,
                "res_id": self.id,
                "company_id": self.company_id.id,
            }
        )
        self._transition("submitted", document_type=document_type, attachment_id=attachment.id, submitted_at=utcnow())
        self.env.ref("influencegen.cron_kyc_verify")._trigger()

    @api.model
    def _check_document(self, document_type, filename, content):
        """Return the document's MIME type; raise ValidationError if it isn't one that is accepted."""
        if document_type not in self._fields["document_type"].get_values(self.env):
            raise about("document_type", ValidationError(self.env._("Choose the type of the document from the list.")))
        try:
            return self._check_file(filename, content)
        except ValidationError as error:
            raise about("document", error) from error

    @api.model
    def _check_file(self, filename, content):
        """Return the MIME type of an uploaded file; raise ValidationError if it isn't one that is accepted."""
        if not filename:
            raise ValidationError(self.env._("Choose a file."))
        if not intake.is_text(filename):
            raise ValidationError(
                self.env._("The file name contains characters that are not allowed. Rename the file.")
            )
        if len(filename) > MAX_FILENAME:
            raise ValidationError(
                self.env._(
                    "The file name has %(length)s characters; the limit is %(limit)s. Rename the file.",
                    length=len(filename),
                    limit=MAX_FILENAME,
                )
            )
        if not content:
            raise ValidationError(self.env._("“%s” is empty. Choose another file.", shown(filename)))
        if len(content) > DOCUMENT_MAX_BYTES:
            raise ValidationError(self._too_large(shown(filename)))
        mimetype = guess_mimetype(content)
        extension = filename.rpartition(".")[2].lower()
        if extension not in DOCUMENT_EXTENSIONS.get(mimetype, ()):
            raise ValidationError(self._wrong_type(shown(filename)))
        if not _is_whole(content, mimetype):
            raise ValidationError(
                self.env._(
                    "“%s” is damaged or incomplete, or has more than 50 megapixels. Scan or photograph the document "
                    "again, if necessary at a lower resolution.",
                    shown(filename),
                )
            )
        return mimetype

    @api.model
    def _too_large(self, filename):
        return self.env._("“%s” is larger than 5 MB. Choose a smaller file, or a lower resolution.", filename)

    @api.model
    def _wrong_type(self, filename):
        return self.env._(
            "“%s” is not a PDF, JPEG or PNG file, or its file extension does not match its content. "
            "Choose another file.",
            filename,
        )

    def _verify(self):
        """Run the automated steps, and decide; what the service refers or can't answer goes to manual review."""
        self.ensure_one()
        outcome, reason = self._automated_outcome()
        values = {"automated_outcome": outcome, "automated_at": utcnow(), "automated_reason": reason}
        if outcome == "referred":
            self._transition("review", review_requested_at=utcnow(), **values)
        else:
            self._decide(outcome, verification_type="automated", **values)

    def _automated_outcome(self):
        """Return the outcome of all steps, and its reason: the first step that doesn't approve decides."""
        for step in STEPS:
            try:
                answer = self._run_step(step)
            except ApiError as error:
                return "referred", self.env._(
                    "The automated check was not completed: %s. Check the document yourself.", error.reason
                )
            if answer["outcome"] != "approved":
                return answer["outcome"], answer["reason"]
        return "approved", False

    def _run_step(self, step):
        """Have the KYC service run one step (of STEPS), and return its answer: outcome and reason.

        :raises ApiError: the service gave no answer
        """
        url = self.env["influencegen.api"]._address("kyc", "kyc_url")
        return self.env["influencegen.api"]._call(
            "kyc",
            step,
            "POST",
            f"{url}/verify/{step}",
            timeout=STEP_TIMEOUT,
            parse=self._read_answer,
            json={
                "reference": f"kyc-{self.id}",
                "name": self.influencer_id.name,
                "birthdate": self.influencer_id.birthdate.isoformat(),
                "document_type": self.document_type,
                "document": base64.b64encode(self.attachment_id.raw or b"").decode(),
            },
        )

    def _read_answer(self, response):
        answer = response.json()
        if answer["outcome"] not in self._fields["automated_outcome"].get_values(self.env):
            raise ValueError(answer["outcome"])
        return {"outcome": answer["outcome"], "reason": str(answer.get("reason") or "")[:200]}

    def _decide(self, outcome, **values):
        """Approve or reject, which activates or rejects the influencer."""
        self._transition(outcome, **values)
        influencers = self.influencer_id.sudo()
        if outcome == "approved":
            influencers._transition("active", activated_at=utcnow())
        else:
            influencers._transition("rejected")

    def _review(self, outcome, reason):
        self._check_in_review()
        self._decide(
            outcome,
            verification_type="manual",
            reviewed_at=utcnow(),
            reviewer_id=self.env.uid,
            **({"reason": reason} if reason else {}),
        )

    def _check_in_review(self):
        """Refuse what is not in review: until then, only the automated check decides."""
        for kyc in self:
            if kyc.state != "review":
                raise UserError(self.env._("%s is not in review.", kyc.display_name))

    def action_approve(self, reason=None):
        """Approve what is in review."""
        self._review("approved", reason)

    def action_reject(self, reason=None):
        """Reject what is in review, for `reason` or the reason already written on the record."""
        if not reason and not all(kyc.reason for kyc in self):
            raise UserError(self.env._("Enter a reason in the field “Reason” of the submission, then reject it."))
        self._review("rejected", reason)

    def action_open_document(self):
        self.ensure_one()
        return {"type": "ir.actions.act_url", "url": f"/web/content/{self.attachment_id.id}", "target": "new"}

    @api.model
    def _cron_verify(self):
        """Verify the submitted documents, each in a transaction of its own; other workers may do so concurrently."""
        deadline = time.monotonic() + CRON_BUDGET
        for kyc in self.search([("state", "=", "submitted")], order="submitted_at"):
            if time.monotonic() > deadline:
                self.env.ref("influencegen.cron_kyc_verify")._trigger()
                return
            try:
                with own(kyc) as claimed:
                    if claim(claimed) and claimed.state == "submitted":
                        claimed._verify()
            except Exception:
                _logger.exception("Verification of %s failed", kyc)


def _is_whole(content, mimetype):
    """Return whether a document is complete: a picture to its last pixel, a PDF to its cross-reference table."""
    if mimetype == "application/pdf":
        end = PDF_END.search(content, max(len(content) - PDF_TAIL, 0))
        return bool(end) and int(end[1][:10]) < len(content)
    try:
        return picture.check(content) == mimetype
    except ValueError:
        return False
