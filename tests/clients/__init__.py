"""Clients that generators make from the OpenAPI document: each is compiled, and each pays."""
