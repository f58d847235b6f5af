"""What forms of several pages share: a name typed to confirm, and refusals shown where they belong."""

from django import forms

from realms.refusal import Refusal


class ConfirmForm(forms.Form):
    """The name of what is about to end, typed again."""

    name = forms.CharField(max_length=255, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: object, expected: str, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self._expected = expected
        self.fields["name"].label = f"Type “{expected}” to confirm"

    def clean_name(self) -> str:
        """Compare."""
        name: str = self.cleaned_data["name"]
        if name.strip() != self._expected:
            raise forms.ValidationError(f"That is not “{self._expected}”. Nothing was changed.")
        return name


def say(form: forms.BaseForm, refusal: Refusal) -> None:
    """Show a rule's refusal at the fields that it is about, or above the form."""
    for error in refusal.errors:
        field = error["pointer"].strip("/")
        form.add_error(field if field in form.fields else None, error["detail"])
    if not refusal.errors:
        form.add_error(None, refusal.detail)
