import pytest

from libs.web.tests.desk import House


@pytest.fixture
def sqlite_url(tmp_path):
    return f"sqlite:///{tmp_path / 'desk.sqlite'}"


@pytest.fixture
def house(sqlite_url):
    house = House(sqlite_url)
    yield house
    house.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def house_on_either(request, sqlite_url):
    """The desk on each of the two databases."""
    url = sqlite_url
    if request.param == "postgresql":
        url = request.getfixturevalue("fresh_database")("desk")
    house = House(url)
    yield house
    house.close()
