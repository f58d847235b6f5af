"""Django's settings; everything that an operator may change comes from `config.env`."""

from typing import Any

import django_stubs_ext
from csp.constants import NONCE, NONE, SELF
from django.urls import reverse_lazy

from config import env, unfold
from config.database import database
from hub.version import VERSION

django_stubs_ext.monkeypatch()

BASE_DIR = env.BASE_DIR
DEBUG = env.DEBUG
SECRET_KEY = env.secret_key()
SECRET_KEY_FALLBACKS = env.SECRET_KEY_FALLBACKS
ALLOWED_HOSTS = env.ALLOWED_HOSTS

HUB_EMBEDDED = env.EMBEDDED
HUB_DATA_DIR = env.DATA_DIR
HUB_KEY_FILE = env.key_file()
HUB_OPEN_SIGN_UP = env.OPEN_SIGN_UP
HUB_ORIGIN = env.ORIGIN
HUB_HOST = env.HOST
HUB_PORT = env.PORT
HUB_TRUSTED_PROXIES = env.TRUSTED_PROXIES
HUB_REQUEST_THREADS = env.REQUEST_THREADS
HUB_REDIS_URL = env.REDIS_URL
HUB_STATEMENT_SECONDS = env.STATEMENT_SECONDS
HUB_DRAIN_SECONDS = env.DRAIN_SECONDS
HUB_LOG_REQUESTS = env.LOG_REQUESTS
HUB_METRICS_TOKEN = env.METRICS_TOKEN
HUB_WORKER_PORT = env.WORKER_PORT
HUB_TALLY_SECONDS = 5.0  # between two writes of what a process counted; 0: only when told
HUB_READS_PER_MINUTE = env.READS_PER_MINUTE
HUB_WRITES_PER_MINUTE = env.WRITES_PER_MINUTE
HUB_MOST_READS_PER_MINUTE = env.MOST_READS_PER_MINUTE
HUB_MOST_WRITES_PER_MINUTE = env.MOST_WRITES_PER_MINUTE
HUB_REFUSALS_PER_MINUTE = env.REFUSALS_PER_MINUTE
HUB_REALM_REQUESTS_PER_MINUTE = env.REALM_REQUESTS_PER_MINUTE
HUB_MOST_KEYS = env.MOST_KEYS
HUB_MOST_REALMS = env.MOST_REALMS
CORS_ALLOWED_ORIGINS = env.CORS_ALLOWED_ORIGINS

INSTALLED_APPS = [
    "accounts.apps.OperatorsAdminConfig",
    "django.contrib.admin",
    "django.forms",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "accounts.apps.AllauthAccountConfig",
    "allauth.mfa",
    "allauth.usersessions",
    "channels",
    "csp",
    "django_eventstream",
    "django_htmx",
    "health_check",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "accounts",
    "realms",
    "hub",
]

MIDDLEWARE = [
    # Pages alone go through these: hub.api.handler answers the API and the probes without them.
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "accounts.middleware.PrivatePagesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "config.web.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.SeenSessionsMiddleware",
    "accounts.middleware.OwnPasswordMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.web.CspMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
APPEND_SLASH = False  # the API has no trailing slashes, and the admin adds its own

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.web.csp_nonce",
            ],
        },
    },
]

# The console's live feed. Each process looks for itself what is new, so that nothing is sent around.
EVENTSTREAM_CHANNELMANAGER_CLASS = "hub.live.feed.RealmChannels"

# Forms look as `templates/hub/form.html` and `field.html` say.
FORM_RENDERER = "config.web.FormRenderer"

DATABASES = {"default": database(env.DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# What counts attempts by address (django-ratelimit).
CACHES: dict[str, Any] = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if env.REDIS_URL:
    CACHES["default"] = {
        "BACKEND": "hub.api.fallback_cache.FallbackCache",
        "LOCATION": env.REDIS_URL,
        "KEY_PREFIX": "aisp-hub",
    }
    # An idle subscription is no fault, which redis-py would end after 5 s; whether it is a dead one, a word
    # now and then shows.
    BELL_REDIS = {"address": env.REDIS_URL, "socket_timeout": None, "health_check_interval": 10}
    CHANNEL_LAYERS: dict[str, Any] = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [BELL_REDIS], "prefix": "aisp-hub"},
        }
    }

AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = ["accounts.hashing.Hasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"

ON_TLS = HUB_ORIGIN.startswith("https://")

ACCOUNT_ADAPTER = "realms.members.sign_up.InvitationAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_PREVENT_ENUMERATION = "strict"
ACCOUNT_CHANGE_EMAIL = True  # one address each, which stays until the new one is proven
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "AISP Hub: "
ACCOUNT_EMAIL_CONFIRMATION_AUTHENTICATED_REDIRECT_URL = reverse_lazy("account")
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if ON_TLS else "http"
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True  # in the browser that signed up
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # to change the address
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {
    # Right ones count too: nobody learns from the page which they are. Few by account, since whoever knows
    # an address could keep its owner out with it.
    "login": "10/m/ip",
    "login_failed": "10/m/ip,60/h/key",
    "signup": "10/m/ip",
    "reset_password": "10/m/ip,5/h/key",
    "confirm_email": "5/h/key",
    "reset_password_from_key": "10/m/ip",
}
ACCOUNT_FORMS = {
    "login": "accounts.forms.LoginForm",
    "signup": "accounts.forms.SignupForm",
    "add_email": "accounts.forms.AddEmailForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.forms.ResetPasswordKeyForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "set_password": "accounts.forms.SetPasswordForm",
    "reauthenticate": "accounts.forms.ReauthenticatePasswordForm",
}

MFA_ADAPTER = "accounts.factors.FactorsAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "AISP Hub"
MFA_TOTP_TOLERANCE = 1  # time steps before and after, for clocks that differ (RFC 6238 §5.2)
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not ON_TLS  # http://localhost, which browsers trust
MFA_ALLOW_UNVERIFIED_EMAIL = True  # nobody signs in with one; it is only ever one to change to
MFA_FORMS = {
    "authenticate": "accounts.forms.AuthenticateForm",
    "reauthenticate": "accounts.forms.ReauthenticateForm",
    "activate_totp": "accounts.forms.ActivateTotpForm",
    "add_webauthn": "accounts.forms.AddPasskeyForm",
    "authenticate_webauthn": "accounts.forms.AuthenticatePasskeyForm",
    "reauthenticate_webauthn": "accounts.forms.ReauthenticatePasskeyForm",
    "login_webauthn": "accounts.forms.LoginPasskeyForm",
}

# Without EMAIL_URL mail goes to the terminal.
vars().update(env.MAIL)
DEFAULT_FROM_EMAIL = env.MAIL_FROM
EMAIL_TIMEOUT = 10  # seconds; a mail server that hangs would hold a request's thread

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True  # a checkout serves its static files without a build step

SESSION_COOKIE_AGE = 14 * 86_400  # seconds since the session was last seen
SESSION_COOKIE_SECURE = ON_TLS
CSRF_COOKIE_SECURE = ON_TLS
CSRF_TRUSTED_ORIGINS = [HUB_ORIGIN] if HUB_ORIGIN else []  # TLS may end at a proxy
SECURE_SSL_REDIRECT = False  # the proxy in front redirects
SECURE_HSTS_SECONDS = 31_536_000 if ON_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = ON_TLS
SECURE_HSTS_PRELOAD = ON_TLS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# What pages may load and run. Nothing inline: no script, no style. The admin has one of its own.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
SILENCED_SYSTEM_CHECKS = [
    "security.W008",  # the proxy that ends TLS redirects; a redirect of an API call would lose its body
]

REST_FRAMEWORK: dict[str, Any] = {
    # Credentials, bodies and answers are the hub's own (hub.api.viewset); nothing of these runs.
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_SCHEMA_CLASS": "hub.api.openapi.HubSchema",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "AISP Hub API",
    "VERSION": VERSION,
    "DESCRIPTION": (
        "Sessions, messages, memory and grants for agents that did not start each other. "
        "Every request carries one credential, an API key or a session's token, and every answer says how "
        "its rate limit stands. Any POST may carry an `Idempotency-Key`, which makes it safe to send again. "
        "Every error is `application/problem+json` (RFC 9457)."
    ),
    "LICENSE": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "OAS_VERSION": "3.1.1",
    "SERVERS": [{"url": "/", "description": "This hub"}],
    "TAGS": [
        {"name": "sessions", "description": "The running agents of a realm."},
        {"name": "messages", "description": "Durable inboxes, polled or streamed."},
        {"name": "memory", "description": "JSON values that sessions share under grants."},
        {"name": "grants", "description": "What one session allows another, until when."},
        {"name": "tokens", "description": "The keys that verify the hub's tokens."},
        {"name": "schema", "description": "This document."},
    ],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "POSTPROCESSING_HOOKS": ["hub.openapi.complete"],
    "AUTHENTICATION_WHITELIST": [],
}


UNFOLD = unfold.SETTINGS

LOGGING_CONFIG = "config.log.configure"
LOGGING = {"level": env.LOG_LEVEL, "format": env.LOG_FORMAT}
