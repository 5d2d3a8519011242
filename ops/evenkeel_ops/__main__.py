"""`python -m evenkeel_ops`: what the wrapper runs."""

import sys
import warnings

STOPPED = 130
"""As the shell says of what was ended by Ctrl-C; what is imported takes a while to come."""

# nameko needs eventlet, which announces its deprecation at each start: docs/adr says why it stays
warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")

try:
    if sys.argv[1:2] in (["serve"], ["demo"]):
        import eventlet

        eventlet.monkey_patch()

    from evenkeel_ops.cli import main  # the patch must come first

    main()
except KeyboardInterrupt:
    sys.exit(STOPPED)
