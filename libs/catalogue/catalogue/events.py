"""All events, in one import: `import catalogue.events` fills the registry."""

from catalogue.crisis import *  # noqa: F403
from catalogue.intake import *  # noqa: F403
from catalogue.notifications import *  # noqa: F403
from catalogue.risk import *  # noqa: F403
from catalogue.scheduling import *  # noqa: F403
from catalogue.sessions import *  # noqa: F403
