from odoo.addons.odoo_telemetry.models.custom_metric_definition import declare_reference_models

declare_reference_models("influencegen.image.model")
