"""`python -m evenkeel_ops`: what the wrapper runs."""

import sys
import warnings

# nameko needs eventlet, which announces its deprecation at each start: docs/adr says why it stays
warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")

if sys.argv[1:2] in (["serve"], ["demo"]):
    import eventlet

    eventlet.monkey_patch()

from evenkeel_ops.cli import main  # noqa: E402 - the patch must come first

main()
