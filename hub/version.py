"""The version of the hub, the one place that says it."""

VERSION = "0.1.0"
