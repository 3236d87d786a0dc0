"""From the bytes of a request to the decision about it. Pure: read `decision` first."""
