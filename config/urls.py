"""Every page and path that the process serves."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from hub.api.problems import page_not_found, server_error
from hub.health import livez, readyz
from hub.web_forms import guarded

urlpatterns = [
    path("", include("hub.console.urls")),
    path("accounts/", include("allauth.urls")),
    path("accounts/me", RedirectView.as_view(pattern_name="account_email"), name="account"),
    path("", include("hub.docs.urls")),
    path("", include("hub.urls")),
    path("livez", livez),
    path("readyz", readyz),
    path("admin/login/", guarded("admin-login", admin.site.login)),
    path("admin/", admin.site.urls),
]

handler404 = page_not_found
handler500 = server_error
