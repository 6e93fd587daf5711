"""The embedded default: everything that `dsr` needs, on loopback, from wheels, in one folder of state."""
