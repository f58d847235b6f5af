"""Every page and path that the process serves."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from accounts.views import too_many_attempts
from hub.api.problems import page_not_found, problem_index, problem_page, server_error
from hub.health import livez, readyz

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="docs"), name="home"),
    path("accounts/", include("accounts.urls")),
    path("docs", RedirectView.as_view(pattern_name="problems"), name="docs"),
    path("", include("hub.urls")),
    path("livez", livez),
    path("readyz", readyz),
    path("docs/problems", problem_index, name="problems"),
    path("docs/problems/<slug:code>", problem_page, name="problem"),
    path("admin/", admin.site.urls),
]

handler404 = page_not_found
handler429 = too_many_attempts  # allauth's
handler500 = server_error
