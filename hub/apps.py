import atexit
import gc

from django.apps import AppConfig


class HubConfig(AppConfig):
    name = "hub"
    verbose_name = "Protocol"

    def ready(self) -> None:
        import hub.checks  # noqa: F401  registers the system checks

        # The interpreter's last collection takes some processes down with types of msgspec's (its issue
        # 717): 5 of 15 that had written the schema. What is frozen it leaves alone.
        atexit.register(gc.freeze)
