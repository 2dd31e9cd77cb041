"""What holds in every place of the page, in a real browser."""
