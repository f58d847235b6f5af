"""Every page and path that the process serves."""

from django.contrib import admin
from django.urls import include, path

from accounts.views import too_many_attempts
from config.web import bad_request, page_not_found, server_error
from hub.api.schema import swagger_page
from hub.health_page import health_page

urlpatterns = [
    path("", include("hub.console.urls")),
    path("accounts/", include("accounts.urls")),
    path("", include("hub.docs.urls")),
    path("api/docs", swagger_page, name="swagger"),
    path("admin/health/", admin.site.admin_view(health_page), name="health"),
    path("admin/", admin.site.urls),
    # These two are answered without Django's middleware (hub.api.paths); here they have their names.
    path("", include("hub.urls")),
    path("", include("hub.health")),
]

handler400 = bad_request
handler404 = page_not_found
handler429 = too_many_attempts  # allauth's
handler500 = server_error
