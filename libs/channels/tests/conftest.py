from collections.abc import Iterator

import pytest

from evenkeel_ops.providers.running import Providers, providers


@pytest.fixture
def outside(tmp_path) -> Iterator[Providers]:
    """Mail servers and telephone companies, all well."""
    with providers(tmp_path / "providers") as running:
        yield running
