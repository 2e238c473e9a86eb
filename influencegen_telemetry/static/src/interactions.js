import { interactions } from "@odoo_telemetry/browser/recorder";

interactions.push(
    [/\/influencegen\/register$/, "register"],
    [/\/my\/influencegen\/kyc$/, "submit_document"],
    [/\/my\/influencegen\/images$|^influencegen\.image\.request\/action_request$/, "request_image"],
    [/\/my\/influencegen\/campaigns\/\d+\/apply$/, "apply"],
    [/\/my\/influencegen\/applications\/\d+\/content$/, "submit_content"],
);
