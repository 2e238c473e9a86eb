from . import callback, portal, portal_campaign, registration
