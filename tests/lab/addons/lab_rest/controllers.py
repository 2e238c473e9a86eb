from odoo.addons.base_rest.controllers.main import RestController


class LabController(RestController):
    _root_path = "/lab_rest/"
    _collection_name = "lab.rest"
    _default_auth = "public"
