"""What a step asks of the world outside AWS: commands, webhooks and HTTP requests."""
