"""All settings, in one file. Each is read from the environment by `env`; `checks` names what is missing.

`./hub up` sets what a machine of one's own needs. The defaults here are those of production.
"""

from pathlib import Path

import django_stubs_ext

from mio_hub import env, logs, platforms, sign_in

django_stubs_ext.monkeypatch()  # lets a class say which values its field or form holds: TextField[str, str]

ROOT = Path(__file__).resolve().parent.parent

# --- The Hub itself -------------------------------------------------------------------------------------------------

DEBUG = env.boolean("MIO_DEBUG", False)
SECRET_KEY = env.secret("MIO_SECRET_KEY")
SECRET_KEY_FALLBACKS = env.secret("MIO_SECRET_KEY_FALLBACKS").split()

MIO_BASE_URL = env.text("MIO_BASE_URL").rstrip("/")
"""Where browsers and platforms reach the Hub: the root of every link, redirect address and webhook address."""

MIO_SANDBOX_URL = env.text("MIO_SANDBOX_URL").rstrip("/")
"""When set, no call leaves for a real platform: the fakes at this address answer. Empty in production."""

MIO_FIELD_KEYS = env.secret("MIO_FIELD_KEYS").replace(",", " ").split()
"""Fernet keys for encrypted columns. The first one encrypts, all of them decrypt: put a new one in front to rotate."""

MIO_VAULT_KEY = env.secret("MIO_VAULT_KEY")
"""AES-256 key, 32 bytes in urlsafe base64, of message contents while they wait in Redis."""

MIO_VAULT_TTL = env.seconds("MIO_VAULT_TTL", 900)
"""How long contents wait for their delivery. Longer outages are bridged by fetching them again from the source."""

MIO_SHARDS = env.integer("MIO_SHARDS", 1)
"""Into how many shares the mailboxes are divided; one task drains one share. Cores, or twice that."""

MIO_IMPORT_BRAKE = env.integer("MIO_IMPORT_BRAKE", 10)
"""Percent. An import that would remove more of a connection's people or memberships stops and asks an administrator."""

MIO_PLATFORM_SECRETS = platforms.platform_secrets()
"""With which each platform's webhooks are proven, by slug: `MIO_SLACK_SIGNING_SECRET` and so on."""

MIO_PLATFORM_APPS = platforms.platform_apps()
"""The operator's apps with which tenants connect, by slug: `MIO_SLACK_CLIENT_ID`, `MIO_SLACK_CLIENT_SECRET` and so on."""

MIO_METRICS_TOKEN = env.secret("MIO_METRICS_TOKEN")
"""When set, /metrics asks for it as a bearer token."""

# --- Servers --------------------------------------------------------------------------------------------------------

DATABASE_URL = env.secret("DATABASE_URL")
DATABASES = {"default": env.database(DATABASE_URL)} if DATABASE_URL else {}
for _database in DATABASES.values():
    # A connection outlives its task; a dead one is noticed before use. The web process shares a pool of them (``asgi``).
    _database |= {"CONN_MAX_AGE": 300, "CONN_HEALTH_CHECKS": True}
    _database["OPTIONS"].setdefault("connect_timeout", 5)
    # No statement gets several processes: to save a fifth of the wait they take a core from everybody else. Nor is one
    # compiled: that takes longer than most run.
    _given = _database["OPTIONS"].get("options", "")
    _database["OPTIONS"]["options"] = f"-c max_parallel_workers_per_gather=0 -c jit=off {_given}".strip()

REDIS_URL = env.secret("REDIS_URL")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL},
    "process": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 10_000}},
}
"""What is shared, and what one process may find out for itself once more."""

# --- Django ---------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "mio_hub",
    "relay",
    "accounts",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
    "accounts.sign_in",
    "django_cotton",
    "django_htmx",
    "lucide",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "mio_hub.middleware.ContentSecurityPolicy",
    "mio_hub.middleware.StaticFiles",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "mio_hub.middleware.SessionsSeen",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "mio_hub.urls"
ASGI_APPLICATION = "mio_hub.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "mio_hub.hub.navigation.frame",
            ],
            "builtins": ["mio_hub.templatetags.faces"],
        },
    }
]
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",  # the operator's /admin/
    "allauth.account.auth_backends.AuthenticationBackend",
]
LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"
LOGGING = logs.configuration(env.text("MIO_LOG_FORMAT", "json"), env.text("MIO_LOG_LEVEL", "INFO").upper())
LOGGING_CONFIG = "mio_hub.logs.configure"

# --- Signing up and in (django-allauth) -----------------------------------------------------------------------------

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"  # with it, allauth tells no stranger who has an account
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True  # in the browser that signed up; any other one still has to sign in
ACCOUNT_LOGOUT_REDIRECT_URL = "start"
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a change of password or second factor is told to the owner
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_CHANGE_EMAIL = False
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if MIO_BASE_URL.startswith("https") else "http"
SOCIALACCOUNT_ADAPTER = "accounts.adapters.SocialAdapter"
SOCIALACCOUNT_PROVIDERS = sign_in.providers(MIO_PLATFORM_APPS)
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False  # an address on a platform opens nobody's account here
SOCIALACCOUNT_STORE_TOKENS = False
MFA_ADAPTER = "accounts.adapters.TwoFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Mio Hub"
MFA_TOTP_TOLERANCE = 1  # a telephone's clock may be half a minute off
USERSESSIONS_TRACK_ACTIVITY = True

# --- REST API -------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["mio_hub.api.entering.BearerToken"],
    "DEFAULT_PERMISSION_CLASSES": ["mio_hub.api.entering.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["mio_hub.api.entering.PerToken"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "mio_hub.api.entering.AlwaysJson",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "mio_hub.api.schema.Schema",
    "EXCEPTION_HANDLER": "mio_hub.api.problems.problem",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Mio Hub",
    "DESCRIPTION": "What your own programs may see and do in your organization. Nothing that anybody said is in it.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "ConnectionState": "accounts.models.Installation.State",
        "SyncState": "accounts.models.UserSync.State",
        "SyncKind": "accounts.models.UserSync.Kind",
        "Preset": "accounts.models.Tenant.Preset",
    },
}

# --- E-mail ---------------------------------------------------------------------------------------------------------

MIO_EMAIL_URL = env.secret("MIO_EMAIL_URL")
"""The server that sends our e-mail: smtp://user:password@host:587, smtps://…:465, or console: to print it instead."""

globals().update(env.email(MIO_EMAIL_URL))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("MIO_EMAIL_FROM", "Mio Hub <hub@localhost>")

# --- Static files ---------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = env.text("MIO_STATIC_ROOT") or None
"""Set it for `collectstatic`: files are then served from there under hashed names. Unset, from where they lie."""

WHITENOISE_USE_FINDERS = STATIC_ROOT is None
WHITENOISE_ALLOW_ALL_ORIGINS = False  # our files are for our pages
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},  # no file of a message ever lies on a disk
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if STATIC_ROOT
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# --- Security -------------------------------------------------------------------------------------------------------

ALLOWED_HOSTS = env.words("MIO_ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = [MIO_BASE_URL] if MIO_BASE_URL else []
HTTPS = env.boolean("MIO_HTTPS", not DEBUG)
"""Off only where browsers really come by plain http: on one's own machine."""

BEHIND_PROXY = env.boolean("MIO_BEHIND_PROXY", False)
"""On where one proxy of ours takes the requests and tells scheme and address of the browser in headers of its own."""

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
ALLAUTH_TRUSTED_PROXY_COUNT = int(BEHIND_PROXY)  # of X-Forwarded-For only the last entry is our proxy's word
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^metrics$"]  # asked from inside, past the proxy
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SILENCED_SYSTEM_CHECKS = ["security.W021"]  # into browsers' preload lists a domain is brought by its owner, for good
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = (
    "Lax"  # platforms send browsers back to us, and they must be known then
)
X_FRAME_OPTIONS = "DENY"

# --- Celery ---------------------------------------------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://")  # Celery's name for a unix socket
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_POOL_LIMIT = 10
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,  # a task unacknowledged for this long is given to another worker: above any task's life
    "max_connections": 50,  # redis-py's silent default of 100 per process is a server's whole allowance for 100 workers
}
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_IGNORE_RESULT = True  # whatever a task finds out is a row; Redis keeps no results
CELERY_TASK_ACKS_LATE = True  # a task that dies with its worker is run again: all of them bear that
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "relay.tasks.drain_shard": {"queue": "shards"},
    "accounts.tasks.import_directory": {"queue": "imports"},  # seconds each, so their worker does nothing else
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1  # a shard's task runs for long; one reserved behind it would wait for nothing
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False  # health is told by heartbeats; remote control costs a queue per worker
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "mio_hub.heartbeat:BeatingScheduler"
CELERY_BEAT_SCHEDULE_FILENAME = env.text("MIO_BEAT_SCHEDULE_FILE", str(ROOT / "var" / "beat-schedule"))
CELERY_BEAT_MAX_LOOP_INTERVAL = 5  # beat shows a sign of life at least this often
CELERY_BEAT_SCHEDULE = {
    "keep-shards-draining": {"task": "relay.tasks.keep_shards_draining", "schedule": 2.0},
    "renew-tokens": {"task": "accounts.tasks.renew_tokens", "schedule": 15.0},
    "forget-consent-requests": {"task": "accounts.tasks.forget_consent_requests", "schedule": 900.0},
    "give-unneeded-consents-back": {"task": "accounts.tasks.give_unneeded_consents_back", "schedule": 600.0},
    "look-at-connections": {"task": "accounts.tasks.look_at_connections", "schedule": 45.0},
    "tell-administrators": {"task": "accounts.tasks.tell_administrators", "schedule": 15.0},
    "keep-importing": {"task": "accounts.tasks.keep_importing", "schedule": 2.0},
    "tidy-imports": {"task": "accounts.tasks.tidy_imports", "schedule": 60.0},
    "keep-syncing-people": {"task": "accounts.tasks.keep_syncing_people", "schedule": 2.0},
    "keep-groups-synced": {"task": "accounts.tasks.keep_groups_synced", "schedule": 5.0},
    "tidy-sync-runs": {"task": "accounts.tasks.tidy_sync_runs", "schedule": 3600.0},
    "begin-nightly-imports": {"task": "accounts.tasks.begin_nightly_imports", "schedule": 300.0},
    "keep-subscriptions": {"task": "relay.tasks.keep_subscriptions", "schedule": 30.0},
    "look-into-doubts": {"task": "relay.tasks.look_into_doubts", "schedule": 3.0},
    "plan-memberships": {"task": "relay.tasks.plan_memberships", "schedule": 300.0},
    "keep-moving-members": {"task": "relay.tasks.keep_moving_members", "schedule": 5.0},
    "see-to-channels": {"task": "relay.tasks.see_to_channels", "schedule": 30.0},
    "forget-unsynced": {"task": "relay.tasks.forget_unsynced", "schedule": 3600.0},
    "carry-out-decisions": {"task": "relay.tasks.carry_out_decisions", "schedule": 60.0},
    "sum-up": {"task": "relay.tasks.sum_up", "schedule": 120.0},
    "forget-sums": {"task": "relay.tasks.forget_sums", "schedule": 6 * 3600.0},
    "call-webhooks": {"task": "accounts.tasks.call_webhooks", "schedule": 5.0},
    "tidy-webhooks": {"task": "accounts.tasks.tidy_webhooks", "schedule": 3600.0},
    "forget-answers": {"task": "accounts.tasks.forget_answers", "schedule": 3600.0},
    "delete-tenants": {"task": "accounts.tasks.delete_tenants", "schedule": 3600.0},  # after seven days an hour is soon
}
