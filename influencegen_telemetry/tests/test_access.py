"""Who may write what over RPC: every model of the three addons, every role, every field and public method.

The table is kept in `access.md`. To make it again after a change, delete that file, run the test, and read the
difference: the run that writes it fails.
"""

import base64
from datetime import date, datetime
from pathlib import Path
from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo import api
from odoo.exceptions import AccessError, UserError
from odoo.service import model as service
from odoo.tests import TransactionCase, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.influencegen.tests.campaign_common import make_campaign, make_influencer
from odoo.addons.influencegen.tests.common import PNG, InfluenceGenCase
from odoo.addons.odoo_telemetry.tests.monitoring_case import NOWHERE

TABLE = Path(__file__).parent / "access.md"
HEADING = """\
# Who may write what over RPC

Made by `test_access.py`, which calls each operation as a client would: `x` is allowed, `.` is refused. Where the state
of the record decides, it is in brackets. `superuser` is OdooBot, to whom access rights do not apply.

"""
GUARDED = {"telemetry.own.metric": ["revision"]}
"""Fields that only code writes, of models that guard them by themselves."""
ROLES = {
    "public": "base.group_public",
    "influencer": "influencegen.group_influencer",
    "internal": "base.group_user",
    "campaigns": "influencegen.group_campaign_manager",
    "kyc": "influencegen.group_kyc_reviewer",
    "finance": "influencegen.group_finance",
    "administrator": "influencegen.group_administrator",
    "settings": "base.group_system",
    "superuser": None,
}
ADDONS = ("influencegen", "odoo_telemetry", "influencegen_telemetry")
ARGUMENTS = {
    "influencegen.kyc.action_reject": ["No."],
    "telemetry.metric.read_history": ["odoo_workers_active", "today"],
    "telemetry.overview.read_tiles": ["today"],
    "telemetry.overview.read_monitoring": ["today"],
    "res.config.settings.default_get": [["influencegen_webhook_secret"]],
}
# models that are not in the table: Odoo calls their methods in every session
UNGUARDED = {"ir.http"}
AUTOMATIC = {"id", "display_name", "create_uid", "create_date", "write_uid", "write_date"}
OVERRIDDEN = {"create", "write", "unlink", "default_get"}
_call_kw = getattr(service, "call_kw", None) or api.call_kw


def call_kw(model, name, *args, **kwargs):
    """Call a method as RPC does."""
    service.get_public_method(model, name)
    return _call_kw(model, name, list(args), kwargs)


@tagged("post_install", "-at_install")
class TestAccess(InfluenceGenCase, TransactionCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {
            role: new_test_user(cls.env, f"access-{role}", groups=group) if group else cls.env.ref("base.user_root")
            for role, group in ROLES.items()
        }
        env, fields = cls.env, cls.env["ir.model.fields"]
        env["telemetry.settings"]._set("prometheus_url", NOWHERE)
        registered = env["influencegen.influencer"].create(
            {"name": "Bea", "email": "bea@example.com", "birthdate": "1990-01-01"}
        )
        people = make_influencer(env, "Ann", user_id=cls.users["influencer"].id)
        other = make_influencer(env, "Eve")
        reviewed, decided = env["influencegen.kyc"].create([{"influencer_id": registered.id}] * 2)
        registered._transition("kyc_pending")
        for kyc in (reviewed, decided):
            kyc._submit_document("passport", "passport.png", PNG)
            kyc._transition("review")
        decided._transition("rejected", reason="No.")
        early = env["influencegen.influencer"].create(
            {"name": "Cem", "email": "cem@example.com", "birthdate": "1990-01-01"}
        )
        handle = env["influencegen.handle"].create({"influencer_id": people.id, "platform": "x", "handle": "ann"})
        campaign, second = make_campaign(env), make_campaign(env)
        draft = env["influencegen.campaign"].create({"name": "Draft", "brand_id": campaign.brand_id.id})
        accepted, submitted = campaign._apply(people), campaign._apply(other)
        second._apply(other)
        accepted.action_accept()
        paid, due, content = (accepted._submit_content(f"https://example.com/{number}") for number in range(3))
        (paid | due).action_accept()
        attempts = env["influencegen.payment.attempt"]
        attempts._create_as_system({"payment_id": paid.payment_ids.id, "provider": "manual"})._transition("paid")
        paid.payment_ids._transition("processing")
        paid.payment_ids._transition("paid")
        image = env["influencegen.image"].create(
            {
                "model_id": env["influencegen.image.model"].search([], limit=1).id,
                "prompt": "A cat",
                "user_id": cls.users["influencer"].id,
            }
        )
        image._transition("done", attachment_id=image._store(base64.b64encode(PNG).decode()).id)
        metric = env["telemetry.own.metric"].create({
            "name": "access", "meaning": "Countries.", "model_id": env["ir.model"]._get("res.country").id,
            "user_id": env.ref("base.user_admin").id,
            "dimension_ids": [(0, 0, {"field_id": fields._get("res.country", "zip_required").id})],
        })  # fmt: skip
        cls.records = {
            "influencegen.influencer": {"registered": early, "active": people},
            "influencegen.handle": {"": handle},
            "influencegen.kyc": {"in review": reviewed, "decided": decided},
            "influencegen.campaign": {"draft": draft, "open": campaign},
            "influencegen.application": {"submitted": submitted, "accepted": accepted},
            "influencegen.content": {"submitted": content, "accepted": paid},
            "influencegen.payment": {"pending": due.payment_ids, "paid": paid.payment_ids},
            "influencegen.payment.attempt": {"": paid.payment_ids.attempt_ids},
            "influencegen.image": {"": image},
            "influencegen.image.model": {"": env["influencegen.image.model"].create({"name": "T", "code": "t"})},
            "telemetry.own.metric": {"": metric},
            "telemetry.own.dimension": {"": metric.dimension_ids},
            "ir.attachment": {"identity document": decided.attachment_id, "AI image": image.attachment_id},
        }
        cls.valid = {
            ("influencegen.campaign", "date_end"): date(2041, 1, 1),
            ("telemetry.own.metric", "kind"): "created",
            ("telemetry.own.metric", "domain"): "[('zip_required', '=', True)]",
            ("telemetry.own.dimension", "field_id"): fields._get("res.country", "state_required").id,
        }
        cls.created = {
            "influencegen.influencer": {"name": "Dee", "email": "dee@example.com", "birthdate": "1990-01-01"},
            "influencegen.handle": {"influencer_id": people.id, "platform": "x", "handle": "second"},
            "influencegen.kyc": {"influencer_id": early.id},
            "influencegen.campaign": {"name": "New", "brand_id": campaign.brand_id.id},
            "influencegen.application": {"campaign_id": second.id, "influencer_id": people.id},
            "influencegen.content": {"application_id": accepted.id, "url": "https://example.com/new"},
            "influencegen.payment": {
                "content_id": content.id, "amount": 1, "currency_id": campaign.currency_id.id, "provider": "manual",
            },
            "influencegen.payment.attempt": {"payment_id": due.payment_ids.id, "provider": "manual"},
            "influencegen.image": {"model_id": image.model_id.id, "prompt": "A dog"},
            "influencegen.image.model": {"name": "New", "code": "new"},
            "influencegen.image.request": {"model_id": image.model_id.id, "prompt": "A dog"},
            "telemetry.own.metric": {
                "name": "new", "meaning": "Languages.", "model_id": env["ir.model"]._get("res.lang").id,
                "user_id": env.ref("base.user_admin").id,
            },
            "telemetry.own.dimension": {
                "metric_id": metric.id, "field_id": fields._get("res.country", "state_required").id,
                "label": "state_required",
            },
            "telemetry.own.value": {"metric_id": metric.id},
        }  # fmt: skip
        env.flush_all()

    def test_the_table(self):
        with mute_logger(
            "odoo.addons.base.models.ir_rule", "odoo.addons.base.models.ir_model", "odoo.models", "odoo.orm.models",
            "odoo.sql_db", "odoo.addons.base.models.ir_access", "odoo.service.model",
        ), patch.object(type(self.env["influencegen.api"]), "_send", side_effect=ValueError):  # fmt: skip
            lines = list(self.lines())
        text = HEADING + "\n".join(lines) + "\n"
        if not TABLE.exists():
            TABLE.write_text(text)
            self.fail(f"{TABLE} was missing, and is made: read it, and run the test again")
        expected = set(TABLE.read_text().splitlines())
        found = set(text.splitlines())
        differences = [f"now      {line}" for line in found - expected]
        differences += [f"expected {line}" for line in expected - found]
        self.assertFalse(differences, "\n".join(sorted(differences, key=lambda line: line[9:])))

    # ------------------------------------------------------------------ what is tried

    def lines(self):
        for model in self.models():
            rows = {operation: self.outcomes(attempt) for operation, attempt in self.operations(model)}
            if not rows:
                continue
            yield f"## {model._name}\n"
            yield f"| operation | {' | '.join(ROLES)} |"
            yield f"|---|{'---|' * len(ROLES)}"
            for operation, outcomes in rows.items():
                yield f"| {model._name} {operation} | {' | '.join(outcomes)} |"
            yield ""

    def models(self):
        """Return the models of the addons, and those to which they add something."""
        return [
            self.env[name]
            for name in sorted(self.env.registry)
            if name not in UNGUARDED and any(_addon(cls) in ADDONS for cls in type(self.env[name]).mro())
        ]

    def operations(self, model):
        """Yield (name, function of an environment) of what can be written of ``model``."""
        if not model._abstract and (model._auto or model._transient):
            yield from self.writes(model)
        yield from self.methods(model)

    def writes(self, model):
        own = model._name in self.created
        if own:
            yield "create", lambda env: call_kw(env[model._name], "create", [self.created[model._name]])
        guarded = sorted(getattr(model, "_guarded_fields", set)()) or GUARDED.get(model._name, [])
        for name in guarded:
            yield (
                f"create with {name}",
                lambda env, name=name: call_kw(
                    env[model._name], "create", [{**self.created[model._name], name: self.value(model, name)}]
                ),
            )
        for state, record in self.records.get(model._name, {}).items():
            label = f" ({state})" if state else ""
            for name in self.writable(model):
                yield (
                    f"write {name}{label}",
                    lambda env, record=record, name=name: call_kw(
                        env[model._name], "write", record.ids, {name: self.value(record, name)}
                    ),
                )
            if own:
                yield f"unlink{label}", lambda env, record=record: call_kw(env[model._name], "unlink", record.ids)
        if model._transient:
            yield from self.transient_writes(model)

    def transient_writes(self, model):
        """Yield writes to a record that the user has made: nobody sees those of others."""
        values = self.created.get(model._name, {})
        if not values:
            yield "create", lambda env: call_kw(env[model._name], "create", [{}])
        for name in self.writable(model):

            def write(env, name=name):
                ids = call_kw(env[model._name], "create", [values])
                call_kw(env[model._name], "write", ids, {name: self.value(model, name)})

            yield f"write {name}", write

    def writable(self, model):
        """Return the names of the addons' fields that can be written; of an attachment, those that make it evidence."""
        if model._name == "ir.attachment":
            return ["raw", "name", "mimetype", "res_id", "public"]
        return [
            name for name, field in sorted(model._fields.items())
            if set(ADDONS).intersection(field._modules or ())
            and (field.store or field.inverse or field.type == "binary")
            and name not in AUTOMATIC
        ]  # fmt: skip

    def methods(self, model):
        """Yield calls of the public methods that the addons define, on a record and on none."""
        names = {
            name for cls in type(model).mro() if _addon(cls) in ADDONS for name, value in vars(cls).items()
            if callable(value) and not name.startswith("_") and not isinstance(value, type)
            and not any(getattr(getattr(parent, name, None), "_api_private", False) for parent in type(model).mro())
        }  # fmt: skip
        if model._name != "res.config.settings":
            names -= OVERRIDDEN
        for name in sorted(names):
            method = getattr(type(model), name)
            is_model = getattr(method, "_api_model", False) or getattr(method, "_api", None) in (
                "model",
                "model_create",
            )
            arguments = ARGUMENTS.get(f"{model._name}.{name}", [])
            if is_model:
                yield (
                    f"{name}()",
                    lambda env, name=name, arguments=arguments: call_kw(env[model._name], name, *arguments),
                )
                continue
            if model._name == "res.config.settings":
                yield (
                    f"{name}() of no record",
                    lambda env, name=name, arguments=arguments: call_kw(env[model._name], name, [], *arguments),
                )
            for state, record in self.records.get(model._name, {"": model}).items():
                label = f" ({state})" if state else ""

                def call(env, name=name, arguments=arguments, record=record):
                    ids = record.ids or call_kw(env[model._name], "create", [self.created.get(model._name, {})])
                    call_kw(env[model._name], name, ids, *arguments)

                yield f"{name}(){label}", call

    def value(self, record, name):
        """Return a value for a field that is not the one it has."""
        field = record._fields[name]
        if (record._name, name) in self.valid:
            return self.valid[record._name, name]
        present = record[name] if len(record) == 1 else None
        match field.type:
            case "boolean":
                return not present
            case "integer" | "float" | "monetary":
                return (present or 0) + 40
            case "date":
                return date(2001, 2, 3)
            case "datetime":
                return datetime(2026, 1, 2, 3, 4, 5)
            case "selection":
                return next(key for key in reversed(field.get_values(self.env)) if key != present)
            case "many2one":
                others = self.env[field.comodel_name].with_context(active_test=False).search([], limit=20) - (
                    present or self.env[field.comodel_name]
                )
                return others[-1:].id
            case "one2many" | "many2many":
                lines = self.env[field.comodel_name].search([], limit=20)
                if others := lines - present if present else lines:
                    return [(4, others[-1].id)]
                return [(2, present[-1].id)]
            case "binary":
                return base64.b64encode(PNG).decode()
            case "json":
                return {"steps": 9}
        if name == "raw":
            return PNG + b"changed"
        return {
            "email": "new@example.com", "url": "https://example.com/else", "domain": "[('active', '=', True)]",
            "name": f"new_{record._table}", "label": "other", "telemetry_grafana_url": "https://example.com",
        }.get(name, "https://example.com/new" if name.endswith("_url") else "new")  # fmt: skip

    # ------------------------------------------------------------------ how it ends

    def outcomes(self, attempt):
        return [self.outcome(user, attempt) for user in self.users.values()]

    def outcome(self, user, attempt):
        """Return 'x' if ``attempt`` is allowed for ``user``, and '.' if it is refused; it is undone."""
        cr = self.env.cr
        savepoint = cr.savepoint(flush=False)
        try:
            attempt(self.env(user=user.id, su=user.id == 1, context={}))
            self.env.flush_all()
            return "x"
        except (AccessError, UserError, IntegrityError, ValueError):
            return "."
        except Exception as error:
            return type(error).__name__
        finally:
            savepoint.close(rollback=True)
            self.env.transaction.clear()
            cr.precommit.clear()
            cr.postcommit.clear()


def _addon(cls):
    parts = cls.__module__.split(".")
    return parts[2] if parts[:2] == ["odoo", "addons"] else None
