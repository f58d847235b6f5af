"""Where the docs are."""

from django.urls import path

from hub.docs import views

urlpatterns = [
    path("docs", views.index, name="docs"),
    path("docs/reference", views.reference_page, name="reference"),
    path("docs/problems", views.problem_index, name="problems"),
    path("docs/problems/<slug:code>", views.problem_page, name="problem"),
    path("docs/<path:slug>", views.written_page, name="docs-page"),
]
