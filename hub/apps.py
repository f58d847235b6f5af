from django.apps import AppConfig


class HubConfig(AppConfig):
    name = "hub"
    verbose_name = "Protocol"

    def ready(self) -> None:
        import hub.checks  # noqa: F401  registers the system checks
