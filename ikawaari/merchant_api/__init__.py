"""The merchants' REST API: thin handlers over the domain, and the OpenAPI document that describes them."""
