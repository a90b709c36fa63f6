"""Django's settings, made from `retailops.config`. Importing needs no database and no secrets; starting does."""

from psycopg.conninfo import conninfo_to_dict

from retailops.config import callable_networks, load_settings

RETAILOPS = load_settings()
RETAILOPS_DATABASE_URL = RETAILOPS.database_url
RETAILOPS_ENCRYPTION_KEYS = RETAILOPS.encryption_keys
RETAILOPS_CLIENT_ID = RETAILOPS.client_id
RETAILOPS_ALLOW_NETWORKS = callable_networks(RETAILOPS)

SECRET_KEY = RETAILOPS.secret_key
DEBUG = RETAILOPS.debug
ALLOWED_HOSTS = list(RETAILOPS.allowed_hosts)

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    *(
        f"retailops.hub.{context}"
        for context in (
            "accounts",
            "audit",
            "tasks",
            "catalog",
            "stock",
            "orders",
            "purchasing",
            "payments",
            "fulfilment",
            "routing",
            "returns",
            "channels",
            "console",
        )
    ),
]

MIDDLEWARE = [
    "retailops.hub.observability.health.answer_probes",
    # Ahead of the rest, so that every answer has a request id and is counted, whatever refuses it further down.
    "retailops.hub.observability.middleware.observe_requests",
    "retailops.hub.headers.content_security_policy",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

ROOT_URLCONF = "retailops.hub.urls"
WSGI_APPLICATION = "retailops.hub.wsgi.application"

_conninfo = conninfo_to_dict(RETAILOPS.database_url)
# A stopped or stuck process must not hold locks for longer than this.
_session = "-c idle_in_transaction_session_timeout=60000"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": str(_conninfo.pop("dbname", "") or "retailops"),
        "USER": str(_conninfo.pop("user", "") or ""),
        "PASSWORD": str(_conninfo.pop("password", "") or ""),
        "HOST": str(_conninfo.pop("host", "") or ""),
        "PORT": str(_conninfo.pop("port", "") or ""),
        # Each thread keeps its connection, checked before use: the database may have been restarted.
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 10,
            "application_name": "retailops",
            **_conninfo,
            "options": f"{_session} {_conninfo.get('options') or ''}".strip(),
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in (
        ("UserAttributeSimilarityValidator", {}),
        ("MinimumLengthValidator", {"min_length": 12}),
        ("CommonPasswordValidator", {}),
        ("NumericPasswordValidator", {}),
    )
]
LOGIN_URL = "/console/login/"
LOGIN_REDIRECT_URL = "/console/"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
# Served from the packages they came in: no collectstatic step for the operator.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = RETAILOPS.https
SESSION_COOKIE_NAME = "__Host-retailops_session" if RETAILOPS.https else "retailops_session"
CSRF_COOKIE_NAME = "__Host-retailops_csrf" if RETAILOPS.https else "retailops_csrf"
CSRF_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if RETAILOPS.https else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if RETAILOPS.https else None
X_FRAME_OPTIONS = "DENY"

LOGGING_CONFIG = "retailops.hub.observability.logs.configure"
LOGGING = {"format": RETAILOPS.log_format, "level": RETAILOPS.log_level}

UNFOLD = {"SITE_TITLE": "RetailOps", "SITE_HEADER": "RetailOps", "SITE_URL": None}
