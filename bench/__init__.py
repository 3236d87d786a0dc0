"""`python -m bench`: measures what the gateway costs, beside yardsticks from the same run."""
