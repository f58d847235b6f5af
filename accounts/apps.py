from django.apps import AppConfig
from django.contrib import admin
from django.contrib.admin import sites


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "People"
    default = True


class OperatorsAdminConfig(AppConfig):
    """Unfold, with the operators' site in place of its own."""

    name = "unfold"

    def ready(self) -> None:
        from accounts.operators import OperatorsSite  # needs the models, which are there by now

        admin.site = sites.site = OperatorsSite()
