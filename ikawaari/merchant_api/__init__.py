"""The merchants' REST API: thin resources over the domain, and the OpenAPI document that describes them."""
