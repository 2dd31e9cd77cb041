"""What both edges share: strict JSON, request ids, security headers, and the only renderer of errors."""
