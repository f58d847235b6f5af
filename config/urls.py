"""Every page and path that the process serves."""

from django.contrib import admin
from django.urls import include, path

from accounts.views import too_many_attempts
from hub.api.problems import page_not_found, server_error
from hub.health import livez, metrics, readyz
from hub.health_page import health_page

urlpatterns = [
    # First: it is asked for most, and a path is compared with one pattern after the other.
    path("", include("hub.urls")),
    path("", include("hub.console.urls")),
    path("accounts/", include("accounts.urls")),
    path("", include("hub.docs.urls")),
    path("livez", livez),
    path("readyz", readyz),
    path("metrics", metrics),
    path("admin/health/", admin.site.admin_view(health_page), name="health"),
    path("admin/", admin.site.urls),
]

handler404 = page_not_found
handler429 = too_many_attempts  # allauth's
handler500 = server_error
