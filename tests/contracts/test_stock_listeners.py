"""Who knows nothing of our chassis can still listen: a stock nameko service."""

import eventlet
import pytest
from nameko.containers import ServiceContainer
from nameko.events import event_handler

from tests.journeys.person import Clinic

heard: list[dict[str, str]] = []


class Listener:
    """As anybody would write it from nameko's documentation."""

    name = "listener"

    @event_handler("intake", "episode.referral_received.v1")
    def referral_received(self, payload: dict[str, str]) -> None:
        heard.append(payload)


@pytest.mark.parametrize("pair", ["rabbitmq+postgresql"])
def test_a_stock_nameko_event_handler_receives_our_events(house):
    heard.clear()
    broker_url = house.runtime("intake").broker.url
    container = ServiceContainer(Listener, {"AMQP_URI": broker_url})
    container.start()
    clinic = Clinic(house)
    person = clinic.refer()
    house.settle()
    with eventlet.Timeout(15):
        while not heard:
            eventlet.sleep(0.02)
    container.kill()
    assert [one["participant_id"] for one in heard] == [person.id]
