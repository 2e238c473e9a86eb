from odoo import api, models

from odoo.addons.odoo_telemetry.models.overview import percent, quantile, state, total
from odoo.addons.odoo_telemetry.models.overview_comparison import change, count_before, samples_before

from ..alert_thresholds import THRESHOLDS
from ..business import SPECIFICATION
from ..business.metrics import (
    BACKUP_LAST_SUCCESS,
    IMAGE_FAILURES,
    IMAGE_LATENCY,
    IMAGE_SUCCESS,
    INFLUENCERS,
    KYC_SUBMISSIONS,
    KYC_VERIFICATIONS,
    PAYMENT_FAILURES,
    PAYMENT_SUCCESS,
    REGISTRATION_ATTEMPTS,
    REGISTRATION_SUCCESS,
)

_INFLUENCER = "influencegen.influencer"
_KYC = "influencegen.kyc"
_IMAGE = "influencegen.image"
_ATTEMPT = "influencegen.payment.attempt"
_SIGNED_UP = [("source", "!=", "backoffice")]


class Overview(models.AbstractModel):
    """The tiles of the platform.

    Values that count records equal the lists that they link to, if all companies are selected.
    """

    _inherit = "telemetry.overview"

    @api.model
    def _tiles(self):
        tiles = super()._tiles()
        return ["registrations", "funnel", "images", "payments", *tiles[:-1], "backups", *tiles[-1:]]

    @api.model
    def _queries(self):
        return {
            **super()._queries(),
            "images": SPECIFICATION["ai.image_generation.end_to_end_latency_seconds"].rule,
            "backups": f"time() - max by (backup) ({BACKUP_LAST_SUCCESS.name} > 0)",
        }

    @api.model
    def _tile_registrations(self, span, exposed):
        registered = self._happened(span, REGISTRATION_SUCCESS)
        count = sum(registered)
        per_hour = count / max(span.seconds / 3600, 1)
        least = THRESHOLDS["RegistrationsLow"]["below_per_hour"]
        most = THRESHOLDS["RegistrationsHigh"]["above_per_hour"]
        return {
            "title": self.env._("Registrations"),
            "value": count,
            "unit": "count",
            "details": [
                (self.env._("per hour"), per_hour, "decimal"),
                (
                    self.env._("attempts (total)"),
                    total(exposed, REGISTRATION_ATTEMPTS),
                    "count",
                ),
                (self.env._("successful attempts (total)"), total(exposed, REGISTRATION_SUCCESS), "count"),
            ],
            "target": self.env._("%(least)d to %(most)d per hour", least=least, most=most),
            "state": state(per_hour, least <= per_hour <= most),
            # both fewer and more than usual can be wrong: neither direction counts as better
            "comparison": change(span, "count", count, count_before(self.env, span, REGISTRATION_SUCCESS)),
            "chart": self._bar(span, main=(self.env._("Registrations"), registered)),
            "action": self._list(self.env._("Registrations"), _INFLUENCER, [*_SIGNED_UP, *span.domain("create_date")]),
            "dashboard": self._dashboard("business-operations-overview"),
        }

    @api.model
    def _tile_funnel(self, span, exposed):
        decided = {
            outcome: sum(self._happened(span, KYC_VERIFICATIONS, outcome=outcome))
            for outcome in ("approved", "rejected")
        }
        influencers, verifications, submissions = map(self._ledger()._present, (
            INFLUENCERS.name, KYC_VERIFICATIONS.name, KYC_SUBMISSIONS.name,
        ))  # fmt: skip
        registered, active = sum(influencers.values()), influencers.get(("active",), 0)
        approved = sum(number for (_kind, outcome), number in verifications.items() if outcome == "approved")
        counts = [registered, sum(submissions.values()), approved, active]
        rate = percent(decided["approved"], sum(decided.values()))
        rate_before = percent(
            count_before(self.env, span, KYC_VERIFICATIONS, outcome="approved"),
            count_before(self.env, span, KYC_VERIFICATIONS),
        )
        least = THRESHOLDS["KycApprovalRateLow"]["below_percent"]
        return {
            "title": self.env._("Onboarding"),
            "value": active,
            "unit": "count",
            "caption": self.env._("active influencers, of %(all)d registered", all=registered),
            "details": [
                (self.env._("KYC approval rate"), rate, "percent"),
                (self.env._("KYC in review"), self._waiting(_KYC, "review"), "count"),
            ],
            "target": self.env._("more than %(least)d%% approved", least=least),
            "state": state(rate, rate is not None and rate > least),
            "comparison": change(
                span, "percent", rate, rate_before, better="more", subject=self.env._("KYC approval rate")
            ),
            "chart": {
                "kind": "funnel",
                "labels": [
                    self.env._("Registered"),
                    self.env._("Document sent"),
                    self.env._("Approved"),
                    self.env._("Active"),
                ],
                "unit": "count",
                "limit": False,
                "series": [{"role": "main", "label": self.env._("Influencers"), "values": counts}],
            },
            "action": self._list(self.env._("Active influencers"), _INFLUENCER, [("state", "=", "active")]),
            "dashboard": self._dashboard("onboarding-funnel"),
        }

    @api.model
    def _tile_images(self, span, exposed):
        good = self._happened(span, IMAGE_SUCCESS)
        bad = self._happened(span, IMAGE_FAILURES)
        stored, lost = sum(good), sum(bad)
        p95 = quantile(IMAGE_LATENCY, self._samples(span, IMAGE_LATENCY), 0.95)
        p95_before = quantile(IMAGE_LATENCY, samples_before(self.env, span, IMAGE_LATENCY), 0.95)
        most = THRESHOLDS["AiImageGenerationP95High"]["above_seconds"]
        return {
            "title": self.env._("AI images"),
            "value": p95,
            "unit": "seconds",
            "caption": self.env._("p95 image latency"),
            "details": [
                (self.env._("succeeded"), percent(stored, stored + lost), "percent"),
                (self.env._("images stored"), stored, "count"),
                (self.env._("failed"), lost, "count"),
                (self.env._("in progress"), self._waiting(_IMAGE, "requested", "processing"), "count"),
            ],
            "target": self.env._("at most %(most)d s", most=most),
            "state": state(p95, p95 is not None and p95 <= most),
            "comparison": change(span, "seconds", p95, p95_before, better="less"),
            "chart": self._bar(span, good=(self.env._("Stored"), good), bad=(self.env._("Failed"), bad)),
            "action": self._list(
                self.env._("AI images"), _IMAGE, [("state", "=", "done"), *span.domain("finished_at")]
            ),
            "dashboard": self._dashboard("ai-image-generation-service-kpis"),
        }

    @api.model
    def _waiting(self, model, *states):
        """Return how many records of all companies are in one of ``states``.

        An index finds them, as none stays there for long.
        """
        return self.env[model].sudo().search_count([("state", "in", states)])

    @api.model
    def _monitored_images(self, history):
        most = THRESHOLDS["AiImageGenerationP95High"]["above_seconds"]
        # without images in 5 minutes there is no p95; with fewer than two values, the chart of images per bar stays
        chart = self._line(history, "seconds", lambda labels: self.env._("p95 over 5 minutes"), limit=most)
        return {"chart": chart} if len(chart["times"]) > 1 else {}

    @api.model
    def _tile_payments(self, span, exposed):
        bars = {
            "paid": self._happened(span, PAYMENT_SUCCESS),
            "failed": self._happened(span, PAYMENT_FAILURES),
        }
        counts = {outcome: sum(numbers) for outcome, numbers in bars.items()}
        rate = percent(counts["paid"], sum(counts.values()))
        paid, failed = count_before(self.env, span, PAYMENT_SUCCESS), count_before(self.env, span, PAYMENT_FAILURES)
        rate_before = percent(paid, None if None in (paid, failed) else paid + failed)
        return {
            "title": self.env._("Payments"),
            "value": rate,
            "unit": "percent",
            "caption": self.env._("payment success rate"),
            "details": [
                (self.env._("paid"), counts["paid"], "count"),
                (self.env._("failed"), counts["failed"], "count"),
                (self.env._("in progress"), self._waiting(_ATTEMPT, "processing"), "count"),
            ],
            "target": False,
            "state": "none",
            "comparison": change(span, "percent", rate, rate_before, better="more"),
            "chart": self._bar(
                span, good=(self.env._("Paid"), bars["paid"]), bad=(self.env._("Failed"), bars["failed"])
            ),
            "action": self._list(
                self.env._("Payment attempts"),
                _ATTEMPT,
                [("state", "in", list(counts)), *span.domain("finished_at")],
            ),
            "dashboard": self._dashboard("business-operations-overview"),
        }

    @api.model
    def _tile_alerts(self, span, exposed):
        return {**super()._tile_alerts(span, exposed), "dashboard": self._dashboard("slo")}

    @api.model
    def _tile_backups(self, span, exposed):
        return {
            "title": self.env._("Last backup"),
            "value": None,
            "unit": "duration",
            "details": [],
            "target": False,
            "state": "none",
            "chart": False,
            "action": False,
            "dashboard": self._dashboard("odoo-system-health"),
        }

    @api.model
    def _monitored_backups(self, history):
        ages = {labels.get("backup", ""): points[-1][1] for labels, points in history if points}
        if not ages:
            return {"hint": self.env._("Prometheus has no data about a successful backup.")}
        return {
            "value": max(ages.values()),
            "caption": self.env._("time since the last successful backup, the longest of all kinds"),
            "details": [(name, age, "duration") for name, age in sorted(ages.items())],
            "chart": self._line(history, "duration", lambda labels: labels.get("backup", "")),
        }
