"""What both edges share: strict JSON, request ids, security headers, and the one renderer of errors."""
