"""What the commands and the inspector are made of; `gateway.cli` reads arguments and prints."""
