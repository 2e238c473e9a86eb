import { buttons } from "@odoo_telemetry/browser/web_client";

buttons["influencegen.image.request/action_request"] = "request_image";
