import { forms, opensPage } from "@odoo_telemetry/browser/forms";
import { safely } from "@odoo_telemetry/browser/recorder";

forms.push(
    [/\/influencegen\/register$/, "register"],
    [/\/my\/influencegen\/kyc$/, "submit_document"],
    [/\/my\/influencegen\/images$/, "request_image"],
    [/\/my\/influencegen\/campaigns\/\d+\/apply$/, "apply"],
    [/\/my\/influencegen\/applications\/\d+\/content$/, "submit_content"],
);

// a document is sent by a script, which shows the progress of its upload
addEventListener(
    "influencegen:uploaded",
    safely(({ target, detail }) => opensPage(target, detail.seconds)),
);
