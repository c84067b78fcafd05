"""What makes Rollcall run: process, wiring, the outside world."""

import gc

# Imports leave hundreds of thousands of objects that never die. With Python's usual 700 the collector looked at them
# again and again, a fifth of the time from start to ready.
gc.set_threshold(50_000, 20, 20)
