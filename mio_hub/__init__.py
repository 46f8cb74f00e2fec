"""The Hub one sees. Nothing below imports it."""

import gc

gc.set_threshold(20_000, 10, 10)
# A process of ours reads 1,900 modules as it starts. To look for garbage among them after every 700 objects, as is usual,
# took a tenth of that time.
