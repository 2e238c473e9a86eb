"""Databases of former versions, with data, are upgraded: no counter falls, and nothing of a former name is left."""

import re
from collections import Counter

import pytest

from .installation import TOKEN, Installation

pytestmark = [pytest.mark.servers, pytest.mark.slow]

PDF = b"%PDF-1.4\nxref\n0 1\n0000000000 65535 f \ntrailer\n<<>>\nstartxref\n9\n%%EOF\n"
BUSINESS = f"""
settings = env["influencegen.telemetry.settings"]
settings._set_scrape_token({TOKEN!r})
for name, value in {{
    "n8n_errors_per_minute_threshold": "7", "concurrent_users_threshold": "11", "campaign_id_limit": "9",
    "browser_sample_percent": "50",
}}.items():
    settings._set(name, value)

influencers = env["influencegen.influencer"]
common = {{"model_id": env["ir.model"]._get(influencers._name).id, "user_id": env.ref("base.user_admin").id}}
source = env["ir.model.fields"]._get(influencers._name, "source").id
env["influencegen.telemetry.own.metric"].create([
    {{"name": "joined", "meaning": "Influencers that joined.", "kind": "created",
      "dimension_ids": [(0, 0, {{"field_id": source, "limit": 5}})], **common}},
    {{"name": "people", "meaning": "Influencers.", "kind": "gauge", **common}},
])
env["ir.filters"].create({{"name": "Counters", "model_id": "influencegen.telemetry.own.metric"}})
env.cr.commit()

for number in range(5):
    registered = influencers._sign_up(
        {{"name": "Ada", "email": f"ada{{number}}@example.com", "birthdate": "1990-05-17", "consent": True}}, "portal"
    )
    env.cr.commit()
    if number < 3:
        kyc = registered.kyc_ids
        kyc._submit_document("passport", "passport.pdf", {PDF!r})
    if number < 2:
        kyc._transition("review", review_requested_at="2026-01-01 08:00:00")
        kyc.action_approve() if number else kyc.action_reject("Blurred")
    env.cr.commit()
active = influencers.search([("state", "=", "active")])

campaign = env["influencegen.campaign"].create(
    {{"name": "Launch", "brand_id": env["res.partner"].create({{"name": "Brand"}}).id, "fee": 250}}
)
campaign.action_open()
application = campaign._apply(active)
application.action_accept()
content = application._submit_content("https://example.com/post/1")
content.action_accept()
content.payment_ids.provider = "manual"
content.payment_ids._pay()
env.cr.commit()

model = env["influencegen.image.model"].search([], limit=1)
images = env["influencegen.image"].create([{{"model_id": model.id, "prompt": "A lighthouse"}} for _ in range(4)])
images[:2]._transition("processing")
images[0]._transition("done", finished_at="2026-01-01 08:00:00", cost_usd=0.5)
images[1]._transition("failed", finished_at="2026-01-01 08:00:00", error="A trial")
env.cr.commit()
registered.unlink()
images[2].unlink()
env.cr.commit()
"""
"""Settings, custom metrics, each of the platform's facts, and records that were counted and are deleted since."""
SET = {
    ("parameter", f"odoo_telemetry.{name}")
    for name in (
        "browser_sample_percent", "campaign_id_limit", "concurrent_users_threshold", "n8n_errors_per_minute_threshold",
        "token_database", "token_digests",
    )
}  # fmt: skip
"""The settings that BUSINESS sets."""
TWICE = "have the same label"
"""What Odoo warns of in a new database too."""
ONE_MORE = """
env["influencegen.influencer"]._sign_up(
    {"name": "Ada", "email": "late@example.com", "birthdate": "1990-05-17", "consent": True}, "portal"
)
env.cr.commit()
env["telemetry.audit"]._run(60)
env.cr.commit()
env["telemetry.audit"]._run(60)
env.cr.commit()
"""


OWNED = """
    SELECT 'external id', module || '.' || name || ' of ' || model FROM ir_model_data WHERE module IN (
        'influencegen', 'influencegen_telemetry', 'odoo_telemetry')
    UNION ALL SELECT 'relation', relname::text || ' ' || relkind::text FROM pg_class
        WHERE relname ~ 'influencegen|telemetry'
    UNION ALL SELECT 'column', relname::text || '.' || attname::text FROM pg_attribute
        JOIN pg_class ON pg_class.oid = attrelid
        WHERE attnum > 0 AND NOT attisdropped AND relkind = 'r' AND relname ~ 'influencegen|telemetry|^res_'
    UNION ALL SELECT 'constraint', conname::text || ' ' || contype::text FROM pg_constraint
        WHERE conname ~ 'influencegen|telemetry'
    UNION ALL SELECT 'function', proname::text FROM pg_proc WHERE proname ~ 'influencegen|telemetry'
    UNION ALL SELECT 'trigger', tgname::text FROM pg_trigger WHERE tgname ~ 'influencegen|telemetry'
    UNION ALL SELECT 'model', model FROM ir_model WHERE model ~ 'influencegen|telemetry'
    UNION ALL SELECT 'field', model || '.' || name || ' ' || coalesce(relation, '') FROM ir_model_fields
        WHERE model || coalesce(relation, '') || name ~ 'influencegen|telemetry'
    UNION ALL SELECT 'constraint of a module', m.name || '.' || c.name FROM ir_model_constraint c
        JOIN ir_module_module m ON m.id = c.module WHERE m.name ~ 'influencegen|telemetry'
    UNION ALL SELECT 'relation of a module', m.name || '.' || r.name FROM ir_model_relation r
        JOIN ir_module_module m ON m.id = r.module WHERE m.name ~ 'influencegen|telemetry'
    UNION ALL SELECT 'view', coalesce(name, '') || ' of ' || coalesce(model, '') FROM ir_ui_view
        WHERE name || coalesce(model, '') || coalesce(key, '') ~ 'influencegen|telemetry'
    UNION ALL SELECT 'parameter', key FROM ir_config_parameter WHERE key ~ 'influencegen|telemetry'
    UNION ALL SELECT 'scheduled action', cron_name FROM ir_cron
    UNION ALL SELECT 'module', name || ' ' || state || ' ' || latest_version FROM ir_module_module
        WHERE name ~ 'influencegen|telemetry'
"""
"""What the addons have in a database."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """What a database has into which the addons are installed."""
    installation = Installation(tmp_path_factory.mktemp("installed"))
    try:
        installation.install()
        yield set(installation.sql(OWNED))
    finally:
        installation.stop()


class Upgraded:
    """An installation of a former version that was upgraded, and what scrapes of it showed."""

    def __init__(self, installation, version):
        self.sql = installation.sql
        installation.install(version)
        installation.run("shell", script=BUSINESS)
        self.before = installation.scrape()
        self.log = installation.upgrade()
        self.owned = set(installation.sql(OWNED))
        self.after = installation.scrape()
        installation.run("shell", script=ONE_MORE)
        self.later = installation.scrape()


@pytest.fixture(scope="module", params=["1.0.0", "1.1.1"])
def upgraded(request, tmp_path_factory):
    installation = Installation(tmp_path_factory.mktemp("upgraded"))
    try:
        yield Upgraded(installation, request.param)
    finally:
        installation.stop()


def value(scrape, series, /, **labels):
    """Return the value of a series of a scrape."""
    wanted = frozenset(labels.items())
    [found] = [number for (name, has), number in scrape.items() if name == series and wanted <= has]
    return found


def counters(scrape):
    """Return {(name, labels): value} of the counters and histograms of a scrape, by the names that they have today.

    The exporter's own start again at 0 under their new names. 1.0.0 had no label ``database`` where there is but one.
    """
    found = Counter()
    for (name, labels), number in scrape.items():
        if name.endswith(("_total", "_count", "_sum", "_bucket")) and not name.startswith("influencegen_telemetry_"):
            others = frozenset(label for label in labels if label[0] != "database")
            found[name.replace("influencegen_own_", "odoo_custom_"), others] += number
    return found


def test_no_counter_falls(upgraded):
    before, after, later = map(counters, (upgraded.before, upgraded.after, upgraded.later))
    assert len(before) > 100
    assert not {series: number for series, number in before.items() if after.get(series, -1) < number}
    assert not {series: number for series, number in after.items() if later.get(series, -1) < number}


def test_facts_go_on_although_their_records_are_deleted(upgraded):
    facts = {
        "influencer_registration_attempts_total": 5,
        "influencer_registration_success_total": 5,
        "influencer_kyc_submissions_total": 3,
        "influencer_onboarding_kyc_manual_review_time_seconds_count": 2,
        "campaign_applications_total": 1,
        "campaign_content_submissions_total": 1,
        "payment_processing_attempts_total": 1,
        "payment_processing_success_total": 1,
        "ai_image_generation_requests_total": 4,
        "ai_image_generation_success_total": 1,
    }
    for scrape in (upgraded.before, upgraded.after):
        assert {name: value(scrape, name) for name in facts} == facts
    assert value(upgraded.later, "influencer_registration_attempts_total") == 6
    assert value(upgraded.later, "influencer_registration_success_total") == 6


def test_the_ledger_equals_the_rows(upgraded):
    counted = dict(
        upgraded.sql("SELECT metric, sum(amount)::integer FROM telemetry_total WHERE sample = 'net' GROUP BY 1")
    )
    for name, table, condition in (
        ("influencer_registration_success_total", "influencer", "source != 'backoffice'"),
        ("influencer_kyc_submissions_total", "kyc", "submitted_at IS NOT NULL"),
        ("influencer_kyc_verifications_total", "kyc", "state IN ('approved', 'rejected')"),
        ("campaign_applications_total", "application", "true"),
        ("campaign_content_submissions_total", "content", "true"),
        ("payment_processing_success_total", "payment_attempt", "state = 'paid'"),
        ("ai_image_generation_requests_total", "image", "true"),
        ("ai_image_generation_failures_total", "image", "state IN ('failed', 'timed_out')"),
    ):
        [(rows,)] = upgraded.sql(f"SELECT count(*) FROM influencegen_{table} WHERE {condition}")
        assert (name, counted[name]) == (name, rows)
        for difference in ("missing", "extra"):
            assert value(upgraded.later, f"odoo_telemetry_audit_{difference}_rows", fact=name) == 0


def test_custom_metrics_go_on_under_their_new_names(upgraded):
    joined = "odoo_custom_joined_total"
    assert value(upgraded.before, "influencegen_own_joined_total", source="portal") == 5
    assert [value(scrape, joined, source="portal") for scrape in (upgraded.after, upgraded.later)] == [5, 6]
    assert value(upgraded.after, "odoo_custom_people") == 4


def test_settings_are_kept(upgraded):
    for name, threshold in {"n8n_errors_per_minute": 7, "concurrent_users": 11}.items():
        assert value(upgraded.after, "odoo_telemetry_threshold", name=name) == threshold
    kept = dict(upgraded.sql("SELECT key, value FROM ir_config_parameter WHERE key LIKE 'odoo_telemetry.%'"))
    assert (kept["odoo_telemetry.campaign_id_limit"], kept["odoo_telemetry.browser_sample_percent"]) == ("9", "50")


def test_what_people_saved_goes_with_the_model(upgraded):
    assert upgraded.sql("SELECT model_id FROM ir_filters WHERE name = 'Counters'") == [("telemetry.own.metric",)]


def test_the_database_is_like_a_new_one(upgraded, installed):
    assert (upgraded.owned - installed, installed - upgraded.owned) == (SET, set())


def test_nothing_of_a_former_name_is_shown(upgraded):
    assert not {name for name, _labels in upgraded.after if name.startswith("influencegen_")}


def test_nothing_fails(upgraded):
    failed = {series: number for series, number in upgraded.later.items() if series[0] == "odoo_telemetry_errors_total"}
    assert failed and not any(failed.values()), failed
    assert not [line for line in upgraded.log if re.search(" (WARNING|ERROR|CRITICAL) ", line) and TWICE not in line]
