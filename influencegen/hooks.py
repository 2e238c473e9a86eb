from .compat import show_group

HEADINGS = {
    "campaign_manager": "Campaigns",
    "kyc_reviewer": "Identity checks",
    "finance": "Payments",
    "administrator": "Administration",
}


def post_init_hook(env):
    """Offer the groups on the form of a user."""
    category = env.ref("influencegen.module_category")
    for name, heading in HEADINGS.items():
        show_group(env.ref(f"influencegen.group_{name}"), heading, category)
    # the headings are created after the installation has loaded the translations
    env.ref("base.module_influencegen")._update_translations()


def uninstall_hook(env):
    """Remove what Odoo leaves behind when it drops a module's tables: files, and parameters set by hand."""
    attachments = env["influencegen.guarded"]._as_system().env["ir.attachment"]
    attachments.search([("res_model", "=like", "influencegen.%")]).unlink()
    env["ir.config_parameter"].search([("key", "=like", "influencegen.%")]).unlink()
