"""Pages of one's own account: allauth's under /accounts/, and those it does not have."""

from django.urls import include, path

from accounts.views import PasskeySignIn, end_all_sessions, end_session, me

urlpatterns = [
    path("me", me, name="account"),
    path("sessions/end", end_all_sessions, name="end_all_sessions"),
    path("sessions/<int:session>/end", end_session, name="end_session"),
    path("2fa/webauthn/login/", PasskeySignIn.as_view()),
    path("", include("allauth.urls")),
]
