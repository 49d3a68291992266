"""The figures that the README quotes: real databases, real requests, sinks on loopback."""
