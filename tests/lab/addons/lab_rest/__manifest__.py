{"name": "Lab: a service of base_rest", "version": "1.0.0", "license": "LGPL-3", "depends": ["base_rest"]}
