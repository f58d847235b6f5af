from django.apps import AppConfig


class RealmsConfig(AppConfig):
    name = "realms"
    verbose_name = "Tenants"

    def ready(self) -> None:
        from realms import first_realm

        first_realm.connect()
