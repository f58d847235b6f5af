from allauth.account.apps import AccountConfig
from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "People"


class AllauthAccountConfig(AccountConfig):
    """Allauth's own, which would ask for its middleware by name: ours steps aside for the API."""

    def ready(self) -> None:
        import allauth.account.checks  # noqa: F401  registers them
