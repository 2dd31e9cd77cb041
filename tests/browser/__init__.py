"""The page in a real browser, against a server that really serves."""
