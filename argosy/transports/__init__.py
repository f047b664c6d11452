"""Where images come from and go to: one module for each transport, one protocol (`source`) for all."""
