"""The verifier of the overview of PagerDuty that this project was given, section "Webhook Security", as printed."""

import hmac
import hashlib
import json

def verify_webhook_signature(payload: bytes, signature: str, secret: str) -> bool:
    """Verify PagerDuty webhook signature (v3)."""
    # Compute expected signature
    expected = hmac.new(
        secret.encode('utf-8'),
        payload,
        hashlib.sha256
    ).hexdigest()

    # Extract signature from header
    # Format: v1=<signature>
    provided = signature.split('=')[1] if '=' in signature else signature

    return hmac.compare_digest(expected, provided)
