"""People: owners of realms and operators of the hub."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models, transaction

from accounts.addresses import canonical_address, vouch_for


class UserManager(BaseUserManager["User"]):
    """Makes people on the word of somebody who runs the hub, whose address is theirs therefore.

    Those who sign up themselves are made by allauth, and prove their address by mail.
    """

    def _create(self, email: str, password: str | None, **fields: Any) -> "User":
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=canonical_address(email), **fields)
        user.set_password(password)
        with transaction.atomic(using=self._db):
            user.save(using=self._db)
            vouch_for(user)
        return user

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Return a new person; without a password they cannot sign in until they reset it."""
        return self._create(email, password, **fields)

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Return a new operator of the hub with every permission."""
        return self._create(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractUser):
    """A person, whose name is their e-mail address in its canonical form.

    Attributes:
        must_change_password: the password was made by somebody else, and opens nothing but the page where
            they choose their own.
    """

    username = None  # type: ignore[assignment]
    email = models.EmailField("e-mail address", unique=True)
    must_change_password = models.BooleanField(
        default=False,
        help_text="At the next sign-in they choose a password of their own first.",
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.email
