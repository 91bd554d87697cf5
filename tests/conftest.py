"""What all tests need of the process that they run in."""

import signal

# A shell without job control has what it starts in the background ignore Ctrl-C, and so does all
# that is started by that. The commands that are tested are to be ended by it.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
