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
    # the headings are younger than the translations that the installation has loaded
    env.ref("base.module_influencegen")._update_translations()


def uninstall_hook(env):
    """Remove what Odoo leaves behind with a module's tables: its files, and the parameters set by hand."""
    attachments = env["influencegen.guarded"]._as_system().env["ir.attachment"]
    attachments.search([("res_model", "=like", "influencegen.%")]).unlink()
    env["ir.config_parameter"].search([("key", "=like", "influencegen.%")]).unlink()
