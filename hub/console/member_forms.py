"""Forms about members."""

from django import forms

from realms.members.models import Role

ROLES = [
    (Role.VIEWER.value, "Viewer: looks"),
    (Role.ADMIN.value, "Admin: changes keys, grants, members and settings too"),
]


class InviteForm(forms.Form):
    """An invitation."""

    email = forms.EmailField(label="E-mail address", help_text="The invitation is for this address alone.")
    role = forms.ChoiceField(choices=ROLES, initial=Role.VIEWER, widget=forms.RadioSelect)


class RoleForm(forms.Form):
    """Another role."""

    role = forms.ChoiceField(choices=ROLES, widget=forms.RadioSelect)
