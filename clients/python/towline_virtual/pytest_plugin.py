"""Fixtures for pytest. A mark says what the authenticator is:

    @pytest.mark.virtual_authenticator("security-key", pin="2580")
"""

from collections.abc import Iterator

import pytest

from .authenticator import Authenticator
from .service import Service
from .session import Session


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "virtual_authenticator(preset, **options): what the fixture of this name is"
    )


@pytest.fixture(scope="session")
def virtual_service() -> Iterator[Service]:
    """The service, once in a run."""
    with Service.start() as service:
        yield service


@pytest.fixture
def virtual_session(virtual_service: Service) -> Iterator[Session]:
    """A session for each test."""
    session = virtual_service.new_session()
    yield session
    session.end()


@pytest.fixture
def virtual_authenticator(
    request: pytest.FixtureRequest, virtual_session: Session
) -> Authenticator:
    """An authenticator in the session of the test: a synced passkey, or what the mark says."""
    mark = request.node.get_closest_marker("virtual_authenticator")
    options = dict(mark.kwargs) if mark else {}
    if mark and mark.args:
        options["preset"] = mark.args[0]
    return virtual_session.add_authenticator(options)  # type: ignore[arg-type]
