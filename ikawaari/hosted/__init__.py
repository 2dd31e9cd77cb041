"""The customer's side: public JSON, the page, the sandbox's screens, and the address that providers call back."""
