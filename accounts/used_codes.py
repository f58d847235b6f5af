"""One-time codes of authenticator apps: each counts once (RFC 6238 §5.2)."""

from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa import app_settings
from django.core.cache import cache

from accounts.models import User


def use_code(user: User, code: str) -> bool:
    """Note that `user` sent a right code; return False if it was sent before."""
    steps = 2 * app_settings.TOTP_TOLERANCE + 1
    name = f"used code {user.pk} {normalize_user_code(code)}".replace(" ", ":")
    return bool(cache.add(name, True, steps * app_settings.TOTP_PERIOD))
