import { interactions } from "@odoo_telemetry/browser/recorder";

interactions.push(
    [/influencegen\/register$/, "register"],
    [/influencegen\/kyc$/, "submit_document"],
    [/influencegen\/images$|image.request\/action_request$/, "request_image"],
    [/campaigns\/\d+\/apply$/, "apply"],
    [/applications\/\d+\/content$/, "submit_content"]
);
