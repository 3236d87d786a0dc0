"""Reads the users of a Bitrix24 portal over REST and finds out what changed: read `resync` first."""
