"""Everything on one machine: read `serve` first."""
