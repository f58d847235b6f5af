import atexit
import gc

from django.apps import AppConfig


class HubConfig(AppConfig):
    name = "hub"
    verbose_name = "Protocol"

    def ready(self) -> None:
        import hub.checks
        import hub.task_metrics
        import hub.worker  # noqa: F401  both hear what Celery tells

        # The interpreter's last collection takes some processes down with types of msgspec's (its issue
        # 717): 5 of 15 that had written the schema. What is frozen it leaves alone.
        atexit.register(gc.freeze)
