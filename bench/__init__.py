"""`python -m bench`: what the gateway costs, beside yardsticks measured in the same run."""
