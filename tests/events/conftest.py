"""The world of the domain's tests."""

from tests.checkout.conftest import world  # noqa: F401 - a fixture
