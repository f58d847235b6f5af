from allauth.account.apps import AccountConfig
from django.apps import AppConfig
from django.contrib import admin
from django.contrib.admin import sites


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "People"
    default = True


class AllauthAccountConfig(AccountConfig):
    """Allauth's own, which would ask for its middleware by name: ours steps aside for the API."""

    def ready(self) -> None:
        import allauth.account.checks  # noqa: F401  registers them


class OperatorsAdminConfig(AppConfig):
    """Unfold, with the operators' site in place of its own."""

    name = "unfold"

    def ready(self) -> None:
        from accounts.operators import OperatorsSite  # needs the models, which are there by now

        admin.site = sites.site = OperatorsSite()
